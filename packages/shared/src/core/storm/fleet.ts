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

/** The fleet at a glance: its size, and the failing nodes that the agent would repair. */
export interface FleetHealth {
  /** Every node of the list, whatever the configuration selects, and how many of them went silent. */
  readonly listed: number;
  readonly silent: number;
  /** The selected nodes: in all, by pool, and by zone; "" for nodes without that label. */
  readonly nodes: number;
  readonly byPool: ReadonlyMap<string, number>;
  readonly byZone: ReadonlyMap<string, number>;
  /** By provider id, where several nodes name it as their VM: there should be one. */
  readonly claimants: ReadonlyMap<string, readonly string[]>;
  readonly sick: readonly FleetNode[];
}

/** What is counted of a node. */
export type CountedNode = Omit<FleetNode, "failing" | "since" | "excused">;

/** Sums up a fleet of which every node was seen. */
export function fleetHealth(nodes: readonly FleetNode[]): FleetHealth {
  return { ...countsOf(nodes), sick: sickOf(nodes) };
}

/** Counts the nodes of a list. */
export function countsOf(list: Iterable<CountedNode>): Omit<FleetHealth, "sick"> {
  const byPool = new Map<string, number>();
  const byZone = new Map<string, number>();
  const named = new Map<string, string[]>();
  let listed = 0;
  let nodes = 0;
  let silent = 0;
  for (const node of list) {
    const { name, pool = "", zone = "", providerId } = node;
    listed += 1;
    if (node.silent) silent += 1;
    const names = providerId === undefined ? undefined : named.get(providerId);
    if (names !== undefined) names.push(name);
    else if (providerId !== undefined) named.set(providerId, [name]);
    if (node.leftOut === true) continue;
    nodes += 1;
    byPool.set(pool, (byPool.get(pool) ?? 0) + 1);
    byZone.set(zone, (byZone.get(zone) ?? 0) + 1);
  }
  const claimants = new Map([...named].filter(([, names]) => names.length > 1));
  return { listed, silent, nodes, byPool, byZone, claimants };
}

/** The failing nodes that the agent would repair. */
export function sickOf(nodes: readonly FleetNode[]): FleetNode[] {
  return nodes.filter(
    ({ failing, excused, leftOut }) =>
      leftOut !== true && excused !== true && Object.keys(failing).length > 0,
  );
}
