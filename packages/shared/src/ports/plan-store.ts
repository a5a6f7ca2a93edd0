import type { Census } from "../core/plan/census.ts";
import type { EpochMillis, Millis } from "../core/time.ts";

/** The repairs that the latest plan lets proceed. */
export interface PublishedPlan {
  readonly at: EpochMillis;
  readonly proceed: readonly string[];
}

/** What processes share of a plan: whose turn it is to make one, what it is made of, and which repairs may proceed. */
export interface PlanStore {
  /** Takes the turn to plan for so long; `false`: another process has it. */
  takeTurn(span: Millis): Promise<boolean>;
  /** No node needs attention and no repair is pending: there is nothing to plan. */
  isIdle(): Promise<boolean>;
  /** What a watcher told of the whole fleet; undefined: nothing that can be read. */
  census(): Promise<Census | undefined>;
  /** A watcher tells it. */
  tellCensus(census: Census): Promise<void>;
  publish(plan: PublishedPlan): Promise<void>;
  /** The latest plan; undefined: there is none that can be read. */
  latest(): Promise<PublishedPlan | undefined>;
}
