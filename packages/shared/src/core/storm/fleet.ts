import { CHECKER_NAMES, type CheckerName } from "../check.ts";
import type { EpochMillis } from "../time.ts";

/** One node as the storm guards see it. */
export interface FleetNode {
  readonly name: string;
  readonly pool?: string;
  readonly zone?: string;
  /** Checkers that fail now and ask for a reboot, with the start of each failure. */
  readonly failing: Readonly<Partial<Record<CheckerName, EpochMillis>>>;
  /** Ready is Unknown: the node went silent. */
  readonly silent: boolean;
  /** What it names as its VM. */
  readonly providerId?: string;
  /** It failed already when it was seen first, so nobody knows when that began. */
  readonly startUnknown?: true;
  /** The configuration leaves it out: only what it names as its VM counts. */
  readonly leftOut?: true;
}

/** How a group of nodes (a pool, a zone, the cluster) is doing. */
export interface GroupHealth {
  readonly nodes: number;
  readonly unhealthy: number;
}

/** The fleet at a glance: what correlation is judged on. */
export interface FleetHealth extends GroupHealth {
  readonly silent: number;
  readonly byPool: ReadonlyMap<string, GroupHealth>;
  readonly byZone: ReadonlyMap<string, GroupHealth>;
  readonly byChecker: ReadonlyMap<CheckerName, number>;
  /** The start of each unhealthy node's first failure, in order. */
  readonly failingSince: readonly EpochMillis[];
  /** The same of those whose start somebody saw. */
  readonly seenStarts: readonly EpochMillis[];
  /** By provider id: the nodes that name it as their VM. There should be one. */
  readonly claimants: ReadonlyMap<string, readonly string[]>;
}

/** Sums up a fleet. */
export function fleetHealth(nodes: Iterable<FleetNode>): FleetHealth {
  const byPool = new Map<string, { nodes: number; unhealthy: number }>();
  const byZone = new Map<string, { nodes: number; unhealthy: number }>();
  const byChecker = new Map<CheckerName, number>();
  const claimants = new Map<string, string[]>();
  const failingSince: EpochMillis[] = [];
  const seenStarts: EpochMillis[] = [];
  let count = 0;
  let silent = 0;
  for (const node of nodes) {
    claim(claimants, node);
    if (node.leftOut === true) continue;
    const starts = CHECKER_NAMES.flatMap((checker) => node.failing[checker] ?? []);
    const sick = starts.length > 0;
    count += 1;
    if (node.silent) silent += 1;
    if (sick) failingSince.push(Math.min(...starts));
    if (sick && node.startUnknown !== true) seenStarts.push(Math.min(...starts));
    for (const checker of CHECKER_NAMES) {
      if (node.failing[checker] !== undefined) byChecker.set(checker, (byChecker.get(checker) ?? 0) + 1);
    }
    add(byPool, node.pool ?? "", sick);
    add(byZone, node.zone ?? "", sick);
  }
  return {
    nodes: count,
    unhealthy: failingSince.length,
    silent,
    byPool,
    byZone,
    byChecker,
    failingSince: failingSince.toSorted((a, b) => a - b),
    seenStarts: seenStarts.toSorted((a, b) => a - b),
    claimants,
  };
}

function claim(claimants: Map<string, string[]>, { name, providerId }: FleetNode): void {
  if (providerId === undefined) return;
  const names = claimants.get(providerId);
  if (names === undefined) claimants.set(providerId, [name]);
  else names.push(name);
}

function add(groups: Map<string, { nodes: number; unhealthy: number }>, name: string, sick: boolean): void {
  const group = groups.get(name) ?? { nodes: 0, unhealthy: 0 };
  group.nodes += 1;
  if (sick) group.unhealthy += 1;
  groups.set(name, group);
}
