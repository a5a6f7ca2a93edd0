import type { CheckerName } from "../check.ts";
import { SECOND, type EpochMillis } from "../time.ts";
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
  /** When its own failure began; absent when nobody saw that. */
  readonly since?: EpochMillis;
}

interface Question {
  readonly subject: StormSubject;
  readonly fleet: FleetHealth;
  readonly policy: StormPolicy;
  readonly now: EpochMillis;
}

type Guard = (question: Question) => Storm | undefined;

/** Groups below the floor are never a storm, so that a small pool with one sick node is repaired. */
function isStorm({ nodes, unhealthy }: GroupHealth, percent: number, { floor }: StormPolicy): boolean {
  return unhealthy >= floor && unhealthy * 100 >= percent * nodes;
}

const allSilent: Guard = ({ fleet }) =>
  fleet.nodes > 1 && fleet.silent === fleet.nodes
    ? { kind: "AllSilent", why: `all ${fleet.nodes} nodes went silent: suspect the control plane` }
    : undefined;

const clusterUnhealthy: Guard = ({ fleet, policy }) =>
  isStorm(fleet, policy.unhealthyPercent, policy)
    ? { kind: "ClusterUnhealthy", why: `${fleet.unhealthy} of ${fleet.nodes} nodes are unhealthy` }
    : undefined;

const zoneUnhealthy: Guard = ({ subject, fleet, policy }) => {
  const zone = subject.zone === undefined ? undefined : fleet.byZone.get(subject.zone);
  if (zone === undefined || !isStorm(zone, policy.unhealthyPercent, policy)) return undefined;
  return {
    kind: "ZoneUnhealthy",
    why: `${zone.unhealthy} of ${zone.nodes} nodes of zone ${subject.zone} are unhealthy`,
  };
};

const poolDown: Guard = ({ subject, fleet }) => {
  const pool = subject.pool === undefined ? undefined : fleet.byPool.get(subject.pool);
  if (pool === undefined || pool.nodes < 2 || pool.unhealthy < pool.nodes) return undefined;
  return { kind: "PoolDown", why: `all ${pool.nodes} nodes of pool ${subject.pool} are unhealthy` };
};

/** A checker that fails everywhere is not believed; a node holds only when no other checker asks for its reboot. */
const checkerEverywhere: Guard = ({ subject, fleet, policy }) => {
  const failing = (checker: CheckerName): number => fleet.byChecker.get(checker) ?? 0;
  const doubted = subject.checkers.filter((checker) =>
    isStorm({ nodes: fleet.nodes, unhealthy: failing(checker) }, policy.checkerPercent, policy),
  );
  const [first] = doubted;
  if (first === undefined || doubted.length < subject.checkers.length) return undefined;
  return { kind: "CheckerEverywhere", why: `${first} fails on ${failing(first)} of ${fleet.nodes} nodes` };
};

/** Failures keep coming: nobody knows yet what this becomes. */
const burstNow: Guard = ({ fleet, policy, now }) => {
  const recent = fleet.failingSince.filter((since) => since > now - policy.burstWithin).length;
  if (recent <= policy.burst) return undefined;
  return {
    kind: "Burst",
    why: `${recent} nodes began to fail within ${Math.round(policy.burstWithin / SECOND)} s`,
  };
};

/**
 * A node that fell together with many others is part of that event for as long as they fail, also when its threshold has
 * passed long after it: most of them must be well again first, or an operator grants repair.
 */
const partOfBurst: Guard = ({ subject, fleet, policy }) => {
  const { since } = subject;
  if (since === undefined) return undefined;
  const { burst, burstWithin } = policy;
  const near = fleet.seenStarts.filter((start) => Math.abs(start - since) <= burstWithin);
  const together = near.findIndex((start, i) => {
    const last = near[i + burst];
    return last !== undefined && last - start <= burstWithin && start <= since && since <= last;
  });
  if (together === -1) return undefined;
  return {
    kind: "Burst",
    why: `it began to fail with more than ${burst} others within ${Math.round(burstWithin / SECOND)} s`,
  };
};

const GUARDS: readonly Guard[] = [
  allSilent,
  clusterUnhealthy,
  zoneUnhealthy,
  poolDown,
  checkerEverywhere,
  burstNow,
  partOfBurst,
];

/**
 * Judges whether this node's failure is part of something larger, which a reboot would not cure and might make worse
 * (guard G3). Undefined: the failure stands alone.
 */
export function stormOf(
  subject: StormSubject,
  fleet: FleetHealth,
  policy: StormPolicy,
  now: EpochMillis,
): Storm | undefined {
  for (const guard of GUARDS) {
    const storm = guard({ subject, fleet, policy, now });
    if (storm !== undefined) return storm;
  }
  return undefined;
}
