/** What a watcher knows of the whole fleet, so that a plan needs no list of it: how many nodes there are, and where. */
import type { NodeSnapshot } from "../node.ts";
import { countedNode } from "../storm/fleet-node.ts";
import { countsOf, sickOf, type FleetHealth, type FleetNode } from "../storm/fleet.ts";

/** The nodes of the cluster, counted, as it is stored. Pools and zones are keyed by name, "" for nodes without that label. */
export interface Census {
  readonly nodes: number;
  readonly silent: number;
  readonly byPool: Readonly<Record<string, number>>;
  readonly byZone: Readonly<Record<string, number>>;
  readonly claimants: Readonly<Record<string, readonly string[]>>;
}

/** Counts the nodes. */
export function censusOf(snapshots: Iterable<NodeSnapshot>): Census {
  const { nodes, silent, byPool, byZone, claimants } = countsOf(Iterator.from(snapshots).map(countedNode));
  return {
    nodes,
    silent,
    byPool: Object.fromEntries(byPool),
    byZone: Object.fromEntries(byZone),
    claimants: Object.fromEntries(claimants),
  };
}

/** The fleet of a census, of which only the failing nodes were seen. */
export function fleetOf(census: Census, failing: readonly FleetNode[]): FleetHealth {
  const { nodes, silent, byPool, byZone, claimants } = census;
  return {
    listed: nodes,
    silent,
    nodes,
    byPool: new Map(Object.entries(byPool)),
    byZone: new Map(Object.entries(byZone)),
    claimants: new Map(Object.entries(claimants).filter(([, names]) => names.length > 1)),
    sick: sickOf(failing),
  };
}
