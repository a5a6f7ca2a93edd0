/** What a watcher knows of the whole fleet, so that a plan needs no list of it: how many nodes there are, and where. */
import { conditionOf } from "../checkers/conditions.ts";
import { placeOf, type NodeSnapshot } from "../node.ts";
import type { CensusData } from "../storm/fleet.ts";

/** The nodes of the cluster, counted. Pools and zones are keyed by name, "" for nodes without that label. */
export type Census = CensusData;

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
