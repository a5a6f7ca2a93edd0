import type { CheckerName } from "../check.ts";
import type { EpochMillis } from "../time.ts";
import type { FleetHealth, GroupHealth } from "./fleet.ts";
import type { StormPolicy } from "./policy.ts";

/** Why failures look like one event. A closed set: it is a metric label and an answer of `explain`. */
export const STORM_KINDS = [
  "ClusterUnhealthy",
  "AllSilent",
  "ZoneUnhealthy",
  "PoolDown",
  "CheckerEverywhere",
  "Burst",
] as const;
export type StormKind = (typeof STORM_KINDS)[number];

/** One reason to hold back, in words. */
export interface Storm {
  readonly kind: StormKind;
  readonly why: string;
}

/** The node whose reboot is asked for. */
export interface StormSubject {
  readonly pool?: string;
  readonly zone?: string;
  /** The checkers that ask for its reboot. */
  readonly checkers: readonly CheckerName[];
}

/**
 * Judges whether this node's failure is part of something larger, which a reboot would not cure and might make worse
 * (guard G3). Undefined: the failure stands alone. Groups below the floor are never a storm, so that a small pool with
 * one sick node is repaired; a pool of several nodes that is down as a whole holds.
 */
export function stormOf(
  subject: StormSubject,
  fleet: FleetHealth,
  policy: StormPolicy,
  now: EpochMillis,
): Storm | undefined {
  const { floor, unhealthyPercent, checkerPercent, burst, burstWithin } = policy;
  const tooMany = (group: GroupHealth, percent: number): boolean =>
    group.unhealthy >= floor && group.unhealthy * 100 >= percent * group.nodes;
  if (fleet.nodes > 1 && fleet.silent === fleet.nodes) {
    return { kind: "AllSilent", why: `all ${fleet.nodes} nodes went silent: suspect the control plane` };
  }
  if (tooMany(fleet, unhealthyPercent)) {
    return { kind: "ClusterUnhealthy", why: `${fleet.unhealthy} of ${fleet.nodes} nodes are unhealthy` };
  }
  const zone = fleet.byZone.get(subject.zone ?? "");
  if (subject.zone !== undefined && zone !== undefined && tooMany(zone, unhealthyPercent)) {
    return {
      kind: "ZoneUnhealthy",
      why: `${zone.unhealthy} of ${zone.nodes} nodes of zone ${subject.zone} are unhealthy`,
    };
  }
  const pool = fleet.byPool.get(subject.pool ?? "");
  if (subject.pool !== undefined && pool !== undefined && pool.nodes > 1 && pool.unhealthy === pool.nodes) {
    return { kind: "PoolDown", why: `all ${pool.nodes} nodes of pool ${subject.pool} are unhealthy` };
  }
  // A checker that fails everywhere is not believed; the others still are.
  const believed = subject.checkers.filter((checker) => {
    const failing = fleet.byChecker.get(checker) ?? 0;
    return !tooMany({ nodes: fleet.nodes, unhealthy: failing }, checkerPercent);
  });
  if (subject.checkers.length > 0 && believed.length === 0) {
    const checker = subject.checkers[0] ?? "NodeReady";
    return {
      kind: "CheckerEverywhere",
      why: `${checker} fails on ${fleet.byChecker.get(checker) ?? 0} of ${fleet.nodes} nodes`,
    };
  }
  const recent = fleet.failingSince.filter((since) => since > now - burstWithin && since <= now).length;
  if (recent > burst) {
    return { kind: "Burst", why: `${recent} nodes began to fail within ${Math.round(burstWithin / 1000)} s` };
  }
  return undefined;
}
