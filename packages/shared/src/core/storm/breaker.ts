import { CHECKER_NAMES, type CheckerName } from "../check.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { pausesOf, stands } from "../pause.ts";
import { spanText } from "../time-text.ts";
import type { EpochMillis } from "../time.ts";
import type { FleetHealth, FleetNode } from "./fleet.ts";
import type { BreakerPolicy } from "./policy.ts";

/** Where failures are correlated. A closed set: the narrower scopes are asked first. */
export const BREAKER_SCOPES = ["AllSilent", "Zone", "Pool", "Checker", "Cluster"] as const;
export type BreakerScope = (typeof BREAKER_SCOPES)[number];

/** An open breaker: it holds the repairs in its scope. */
export interface OpenBreaker {
  readonly scope: BreakerScope;
  readonly why: string;
  /** An operator's grant lets repairs go on. Never when all nodes are silent: then nothing about them is known. */
  readonly grantable: boolean;
}

/** The node whose repair is asked for. */
export interface BreakerSubject {
  readonly pool?: string;
  readonly zone?: string;
  /** The checkers that ask for its repair. */
  readonly checkers: readonly CheckerName[];
}

/** The breakers of one look at the fleet; each question costs the same, however large the fleet is. */
export interface Breaker {
  /** The first breaker that holds this node; undefined: its failure stands alone. */
  ask(subject: BreakerSubject): OpenBreaker | undefined;
}

/** Pauses of the configuration excused the node already. */
const NO_PAUSES = { fleet: false, pools: [], nodes: [] };

/**
 * Judges which failures are correlated (guard G3). Only young failures of nodes that the agent would repair count, so
 * that broken hardware that waits for parts holds no other node. A failure that an open breaker of a zone explains does
 * not count for a pool, and one that either explains does not count for checker and cluster: a lost zone holds the zone.
 */
export function breakerOf(
  fleet: FleetHealth,
  policy: BreakerPolicy,
  now: EpochMillis,
  ledger?: Ledger,
): Breaker {
  const { percent, youngFor } = policy;
  const young = fleet.sick.filter((node) => startOf(node) > now - youngFor && !isPaused(node, ledger, now));
  const zones = openGroups(young, ({ zone }) => zone, fleet.byZone, percent.zone, policy);
  const outside = young.filter(({ zone }) => zone === undefined || !zones.has(zone));
  const pools = openGroups(outside, ({ pool }) => pool, fleet.byPool, percent.pool, policy);
  const rest = outside.filter(({ pool }) => pool === undefined || !pools.has(pool));
  const nodes = fleet.nodes - (young.length - rest.length);
  const checkers = new Map<CheckerName, string>();
  for (const checker of CHECKER_NAMES) {
    const failing = rest.filter((node) => node.failing[checker] !== undefined).length;
    if (isOpen(failing, nodes, percent.checker, policy))
      checkers.set(checker, `${checker} fails on ${failing} of ${nodes} nodes`);
  }
  const cluster = isOpen(rest.length, nodes, percent.cluster, policy);
  const within = `since less than ${spanText(youngFor)}`;
  const allSilent = fleet.listed > 1 && fleet.silent === fleet.listed;
  return {
    ask: ({ zone = "", pool = "", checkers: asking }) => {
      if (allSilent) {
        const why = `all ${fleet.listed} nodes went silent: check the control plane`;
        return { scope: "AllSilent", why, grantable: false };
      }
      const inZone = zones.get(zone);
      if (inZone !== undefined) return opened("Zone", `${inZone} of zone ${zone} fail ${within}`);
      const inPool = pools.get(pool);
      if (inPool !== undefined) return opened("Pool", `${inPool} of pool ${pool} fail ${within}`);
      // A checker that fails everywhere is doubted; a node that another checker finds sick is sick all the same.
      const doubts = asking.map((checker) => checkers.get(checker));
      const [first] = doubts;
      if (first !== undefined && !doubts.includes(undefined)) return opened("Checker", `${first} ${within}`);
      if (cluster) return opened("Cluster", `${rest.length} of ${nodes} nodes fail ${within}`);
      return undefined;
    },
  };
}

function opened(scope: BreakerScope, why: string): OpenBreaker {
  return { scope, why, grantable: true };
}

/** Groups below the floor stay closed, so that a small pool with one sick node is repaired. */
function isOpen(failing: number, nodes: number, percent: number, { floor }: BreakerPolicy): boolean {
  return failing >= floor && failing * 100 >= percent * nodes;
}

/** The groups whose breaker is open, with their numbers in words. Nodes outside any group form none. */
function openGroups(
  young: readonly FleetNode[],
  groupOf: (node: FleetNode) => string | undefined,
  sizes: ReadonlyMap<string, number>,
  percent: number,
  policy: BreakerPolicy,
): Map<string, string> {
  const open = new Map<string, string>();
  for (const [group, { length: count }] of Map.groupBy(young, groupOf)) {
    if (group === undefined) continue;
    const nodes = sizes.get(group) ?? 0;
    if (isOpen(count, nodes, percent, policy)) open.set(group, `${count} of ${nodes} nodes`);
  }
  return open;
}

function startOf({ failing, since = Infinity }: FleetNode): EpochMillis {
  return Math.min(since, ...Object.values(failing));
}

function isPaused({ name, pool }: FleetNode, ledger: Ledger | undefined, now: EpochMillis): boolean {
  return pausesOf({ name, pool }, NO_PAUSES, ledger).some((pause) => stands(pause, now));
}
