import type { Census } from "../core/plan/census.ts";
import type { EpochMillis, Millis } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { PlanStore, PublishedPlan } from "../ports/plan-store.ts";

/** What processes share of a plan, in memory. */
export class MemoryPlanStore implements PlanStore {
  told: Census | undefined;
  plan: PublishedPlan | undefined;
  turnUntil: EpochMillis = 0;
  readonly #clock: Pick<Clock, "now">;

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  async takeTurn(span: Millis): Promise<boolean> {
    const now = this.#clock.now();
    if (now < this.turnUntil) return false;
    this.turnUntil = now + span;
    return true;
  }

  async isIdle(): Promise<boolean> {
    return false;
  }

  async census(): Promise<Census | undefined> {
    return this.told;
  }

  async tellCensus(census: Census): Promise<void> {
    this.told = census;
  }

  async publish(plan: PublishedPlan): Promise<void> {
    this.plan = plan;
  }

  async latest(): Promise<PublishedPlan | undefined> {
    return this.plan;
  }
}
