import { SECOND, type Millis } from "../core/time.ts";

/**
 * The caches of this project, and how they may drift from what they copy; labels of `civo_node_agent_cache_drift_total`.
 * Drift is a difference that the usual way should have removed and did not: news on its way is none. A retired word is
 * never used again.
 */
export const DRIFT_CACHES = ["View", "Snapshots", "Records", "Fleet"] as const;
export type DriftCache = (typeof DRIFT_CACHES)[number];

/** `Stale`: the content differs. `Missing`: the source has it, the cache does not. `Extra`: the other way round. */
export const DRIFT_KINDS = ["Stale", "Missing", "Extra"] as const;
export type DriftKind = (typeof DRIFT_KINDS)[number];

/** The longest that a change takes from the API server through Redis, while all is well; what differs for longer is drift. */
export const DELIVERY: Millis = 5 * SECOND;

/** What one comparison found. */
export interface Drift {
  readonly counts: Readonly<Record<DriftKind, number>>;
  /** The first few nodes. */
  readonly nodes: readonly string[];
}

/** Names in one report, at most: enough to begin with, whatever the fleet's size. */
const NAMES = 10;

/** Adds up what a comparison finds. */
export class DriftTally {
  readonly #counts = { Stale: 0, Missing: 0, Extra: 0 };
  readonly #nodes: string[] = [];

  add(kind: DriftKind, node: string): void {
    this.#counts[kind] += 1;
    if (this.#nodes.length < NAMES) this.#nodes.push(node);
  }

  /** Undefined when nothing has drifted. */
  found(): Drift | undefined {
    return this.#nodes.length === 0 ? undefined : { counts: { ...this.#counts }, nodes: [...this.#nodes] };
  }
}

/** The result of comparing the view's version with the API server's. */
export const VIEW_PROBE_RESULTS = ["Sound", "WentBack", "Deaf", "Contradiction", "Failed"] as const;
export type ViewProbeResult = (typeof VIEW_PROBE_RESULTS)[number];
