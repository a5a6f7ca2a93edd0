import { DAY, MINUTE, type Millis } from "../time.ts";

/** A limit in two forms: a count and a share of the nodes in percent. The larger one counts, and it is never below one. */
export interface Share {
  readonly count: number;
  readonly percent: number;
}

/** How many repairs may be open at once, and how many may begin per time. */
export interface LimitPolicy {
  /** Open repairs; each share is one of the nodes of that pool, of that zone, or of the cluster. */
  readonly open: { readonly pool: Share; readonly zone: Share; readonly cluster: Share };
  /** Repairs that begin within an hour in the cluster. */
  readonly rate: Share;
  /** Repairs of one VM that begin within a day. */
  readonly nodePerDay: number;
}

/** When failures are correlated: a repair of each node would not cure them, and may do harm. */
export interface BreakerPolicy {
  /** Only failures that began within this span count. */
  readonly youngFor: Millis;
  /** Fewer young failures than this never open a breaker, whatever their share: small groups must not starve. */
  readonly floor: number;
  /** The share of young failures, in percent of the nodes of the scope, from which on its breaker is open. */
  readonly percent: {
    readonly zone: number;
    readonly pool: number;
    readonly checker: number;
    readonly cluster: number;
  };
}

/** When the repairs of one checker in one pool have stopped to help. */
export interface CureRatePolicy {
  /** The latest results that are looked at. */
  readonly latest: number;
  /** Fewer results than this say nothing. */
  readonly minimum: number;
  /** Below this share of cures, in percent, with repairs in flight counted as not cured, repairs go one at a time. */
  readonly slowBelow: number;
  /** Below this share of cures among the results, in percent, that checker repairs nothing more in that pool. */
  readonly stopBelow: number;
}

/** What a repaired node must show. */
export interface StormPolicy {
  /** A repaired node must be well for so long before its place in the limits is free; not longer than `curedAfter`. */
  readonly recoveredAfter: Millis;
  /** A repaired node must be well for so long before that counts as a cure; a relapse before continues its incident. */
  readonly curedAfter: Millis;
  /** For so long after its boot a node is not judged sick enough to be repaired. */
  readonly settle: Millis;
}

/** The defaults; each is written only here. docs/limits.md says what they come to for fleets of several sizes. */
export const DEFAULT_LIMITS: LimitPolicy = {
  open: {
    pool: { count: 1, percent: 10 },
    zone: { count: 1, percent: 3 },
    cluster: { count: 1, percent: 2 },
  },
  rate: { count: 10, percent: 3 },
  nodePerDay: 3,
};

export const DEFAULT_BREAKER: BreakerPolicy = {
  youngFor: DAY,
  floor: 3,
  percent: { zone: 10, pool: 20, checker: 10, cluster: 20 },
};

export const DEFAULT_CURE_RATE: CureRatePolicy = { latest: 10, minimum: 5, slowBelow: 30, stopBelow: 20 };

export const DEFAULT_STORM_POLICY: StormPolicy = {
  recoveredAfter: MINUTE,
  curedAfter: 30 * MINUTE,
  settle: 3 * MINUTE,
};

/** What a limit allows in a scope of so many nodes. */
export function allowed({ count, percent }: Share, nodes: number): number {
  return Math.max(1, count, Math.floor((nodes * percent) / 100));
}
