import type { CheckerName } from "../check.ts";
import type { EpochMillis } from "../time.ts";

/** One node as breaker and limits see it. */
export interface FleetNode {
  readonly name: string;
  readonly pool?: string;
  readonly zone?: string;
  /** Checkers that fail now and ask for a repair, with the start of each failure. */
  readonly failing: Readonly<Partial<Record<CheckerName, EpochMillis>>>;
  /** When its incident began, where that is before its failures: the incident goes on. */
  readonly since?: EpochMillis;
  /** Ready is Unknown: the node went silent. */
  readonly silent: boolean;
  /** What it names as its VM. */
  readonly providerId?: string;
  /** The agent would not repair it: Failed, cordoned, opted out, paused, another owner's, or on planned work. */
  readonly excused?: true;
  /** The configuration leaves it out: only its silence and what it names as its VM count. */
  readonly leftOut?: true;
}

/** The nodes of a cluster, counted. */
export interface FleetCensus {
  /** Every node of the list, whatever the configuration selects, and how many of them went silent. */
  readonly listed: number;
  readonly silent: number;
  /** The selected nodes: in all, by pool, and by zone. */
  readonly nodes: number;
  readonly byPool: ReadonlyMap<string, number>;
  readonly byZone: ReadonlyMap<string, number>;
  /** By provider id, where several nodes name it as their VM: there should be one. */
  readonly claimants: ReadonlyMap<string, readonly string[]>;
}

/** The fleet at a glance: its size, and the failing nodes that the agent would repair. */
export interface FleetHealth extends FleetCensus {
  readonly sick: readonly FleetNode[];
}

/** A census as it is stored and sent. */
export interface CensusData {
  /** Absent: every listed node is selected. */
  readonly listed?: number;
  readonly silent: number;
  readonly nodes: number;
  readonly byPool: Readonly<Record<string, number>>;
  readonly byZone: Readonly<Record<string, number>>;
  readonly claimants: Readonly<Record<string, readonly string[]>>;
}

/** Sums up a fleet of which every node was seen. */
export function fleetHealth(nodes: Iterable<FleetNode>): FleetHealth {
  const byPool = new Map<string, number>();
  const byZone = new Map<string, number>();
  const claimants = new Map<string, string[]>();
  const sick: FleetNode[] = [];
  let listed = 0;
  let selected = 0;
  let silent = 0;
  for (const node of nodes) {
    listed += 1;
    if (node.silent) silent += 1;
    claim(claimants, node);
    if (node.leftOut === true) continue;
    selected += 1;
    byPool.set(node.pool ?? "", (byPool.get(node.pool ?? "") ?? 0) + 1);
    byZone.set(node.zone ?? "", (byZone.get(node.zone ?? "") ?? 0) + 1);
    if (isRepairable(node)) sick.push(node);
  }
  const doubled = new Map([...claimants].filter(([, names]) => names.length > 1));
  return { listed, silent, nodes: selected, byPool, byZone, claimants: doubled, sick };
}

/** The same of a fleet that was counted elsewhere, and of which only the failing nodes were seen. */
export function fleetOf(read: {
  readonly census: CensusData;
  readonly sick: Iterable<FleetNode>;
}): FleetHealth {
  const { nodes, listed = nodes, silent, byPool, byZone, claimants } = read.census;
  return {
    listed,
    silent,
    nodes,
    byPool: new Map(Object.entries(byPool)),
    byZone: new Map(Object.entries(byZone)),
    claimants: new Map(Object.entries(claimants).filter(([, names]) => names.length > 1)),
    sick: [...read.sick].filter((node) => node.leftOut !== true && isRepairable(node)),
  };
}

function isRepairable({ failing, excused }: FleetNode): boolean {
  return excused !== true && Object.keys(failing).length > 0;
}

function claim(claimants: Map<string, string[]>, { name, providerId }: FleetNode): void {
  if (providerId === undefined) return;
  const names = claimants.get(providerId);
  if (names === undefined) claimants.set(providerId, [name]);
  else names.push(name);
}
