/** What a watcher knows of the whole fleet, so that a plan needs no list of it: how many nodes there are, and where. */
import { conditionOf } from "../checkers/conditions.ts";
import { placeOf, type NodeSnapshot } from "../node.ts";
import { fleetHealth, type FleetHealth, type FleetNode, type GroupHealth } from "../storm/fleet.ts";

/** The selected nodes of the cluster, counted. Pools and zones are keyed by name, "" for nodes without that label. */
export interface Census {
  readonly nodes: number;
  /** Nodes whose Ready condition is Unknown. */
  readonly silent: number;
  readonly byPool: Readonly<Record<string, number>>;
  readonly byZone: Readonly<Record<string, number>>;
  /** Provider ids that more than one node names as its VM, with those nodes. */
  readonly claimants: Readonly<Record<string, readonly string[]>>;
}

/** Counts the nodes. */
export function censusOf(nodes: Iterable<NodeSnapshot>): Census {
  const byPool = new Map<string, number>();
  const byZone = new Map<string, number>();
  const named = new Map<string, string[]>();
  let count = 0;
  let silent = 0;
  for (const node of nodes) {
    count += 1;
    if (conditionOf(node, "Ready")?.status === "Unknown") silent += 1;
    const { pool = "", zone = "" } = placeOf(node);
    byPool.set(pool, (byPool.get(pool) ?? 0) + 1);
    byZone.set(zone, (byZone.get(zone) ?? 0) + 1);
    const { providerId } = node;
    if (providerId !== undefined) named.set(providerId, [...(named.get(providerId) ?? []), node.name]);
  }
  const shared = [...named].filter(([, names]) => names.length > 1);
  return {
    nodes: count,
    silent,
    byPool: Object.fromEntries(byPool),
    byZone: Object.fromEntries(byZone),
    claimants: Object.fromEntries(shared),
  };
}

/** The health of a fleet of which only the sick nodes are at hand; the census says how many there are beside them. */
export function healthOf(census: Census, sick: readonly FleetNode[]): FleetHealth {
  const seen = fleetHealth(sick);
  return {
    ...seen,
    nodes: Math.max(census.nodes, seen.nodes),
    silent: Math.max(census.silent, seen.silent),
    byPool: groups(census.byPool, seen.byPool),
    byZone: groups(census.byZone, seen.byZone),
    claimants: new Map(Object.entries(census.claimants)),
  };
}

/** A group is as large as the census says; a node that turned up since then makes none smaller than its sick nodes. */
function groups(
  sizes: Readonly<Record<string, number>>,
  seen: ReadonlyMap<string, GroupHealth>,
): ReadonlyMap<string, GroupHealth> {
  const names = new Set([...Object.keys(sizes), ...seen.keys()]);
  return new Map(
    [...names].map((name) => {
      const { nodes = 0, unhealthy = 0 } = seen.get(name) ?? {};
      const size = Object.hasOwn(sizes, name) ? (sizes[name] ?? 0) : 0;
      return [name, { nodes: Math.max(size, nodes), unhealthy }];
    }),
  );
}
