import { HOUR, MINUTE, SECOND, DAY, type Millis } from "../time.ts";

/** How many reboots may be open, and how fast they may follow each other (guards G1, G5, G6, G9). */
export interface BudgetPolicy {
  /** Open reboots in one pool. */
  readonly pool: number;
  /** Open reboots in one zone. */
  readonly zone: number;
  /** Open reboots in the cluster: at most this many, and at most this share of its nodes, but always one. */
  readonly cluster: number;
  readonly clusterPercent: number;
  readonly perHour: number;
  readonly perDay: number;
  /** Reboots of one VM in a day. */
  readonly nodePerDay: number;
  /** The least time between two intents. */
  readonly spacing: Millis;
}

/** When many failures are one failure, and not of the nodes (guards G3, G5). */
export interface StormPolicy {
  readonly budgets: BudgetPolicy;
  /** From this share of unhealthy nodes on, in the cluster or in a zone, nothing is rebooted. */
  readonly unhealthyPercent: number;
  /** The same for one checker: it alone is not believed any more. */
  readonly checkerPercent: number;
  /** More nodes than this that began to fail within `burstWithin` are one event. */
  readonly burst: number;
  readonly burstWithin: Millis;
  /** Fewer unhealthy nodes than this are never a storm, whatever their share: small clusters must not starve. */
  readonly floor: number;
  /** So many different nodes rebooted in a row without a cure: reboots do not help. */
  readonly uncured: number;
  /** A rebooted node must be well for so long before its place in the budgets is free; not longer than `curedAfter`. */
  readonly recoveredAfter: Millis;
  /** A rebooted node must be well for so long before that counts as a cure; a relapse before continues its incident. */
  readonly curedAfter: Millis;
  /** For so long after its boot a node is not judged sick enough to be rebooted. */
  readonly settle: Millis;
}

/** The defaults of the protocol (3.6); each is written only here. */
export const DEFAULT_STORM_POLICY: StormPolicy = {
  budgets: {
    pool: 1,
    zone: 2,
    cluster: 5,
    clusterPercent: 5,
    perHour: 10,
    perDay: 30,
    nodePerDay: 3,
    spacing: 30 * SECOND,
  },
  unhealthyPercent: 20,
  checkerPercent: 10,
  burst: 3,
  burstWithin: MINUTE,
  floor: 3,
  uncured: 3,
  recoveredAfter: MINUTE,
  curedAfter: 30 * MINUTE,
  settle: 3 * MINUTE,
};

/** The spans that rates are counted in. */
export const RATE_WINDOWS = { hour: HOUR, day: DAY } as const;
