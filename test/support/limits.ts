import type { CureHold } from "../../packages/shared/src/core/storm/cure-rate.ts";
import type { Held, Limits, LimitSubject } from "../../packages/shared/src/core/storm/limits.ts";
import type { LimitPolicy, Share } from "../../packages/shared/src/core/storm/policy.ts";

const share = (count: number): Share => ({ count, percent: 0 });

/** Limits of these counts and of no shares; those that are not given never bind. */
export function limitsOfCounts(
  { pool = 1000, zone = 1000, cluster = 1000 }: Partial<Record<keyof LimitPolicy["open"], number>> = {},
  { rate = 1000, nodePerDay = 1000 } = {},
): LimitPolicy {
  return {
    open: { pool: share(pool), zone: share(zone), cluster: share(cluster) },
    rate: share(rate),
    nodePerDay,
  };
}

/** The first that holds one more repair: the cure rate, then the limits. */
export function heldBy(limits: Limits, subject: LimitSubject): CureHold | Held | undefined {
  return limits.cureRate(subject) ?? limits.limit(subject);
}
