import type { Rules } from "../core/judge.ts";
import type { NodeSnapshot } from "../core/node.ts";
import type { NodeRecord } from "../core/record.ts";
import { fleetNode } from "../core/storm/fleet-node.ts";
import { fleetHealth, type FleetHealth, type FleetNode } from "../core/storm/fleet.ts";
import type { EpochMillis } from "../core/time.ts";
import type { NodeLister } from "../ports/node-lister.ts";
import type { StateStore } from "../ports/state-store.ts";

/** Where the look at the fleet comes from. */
export interface FleetSources {
  readonly lister: NodeLister;
  readonly store: Pick<StateStore, "getMany">;
  /** Whether the configuration selects a node. */
  readonly selects: (node: NodeSnapshot) => boolean;
  readonly rules: Rules;
}

/** The fleet as the API server lists it now, and the names of the nodes that the configuration selects. */
export interface FleetLooked {
  readonly health: FleetHealth;
  /** By node: the version that the list had of it. */
  readonly versions: ReadonlyMap<string, string>;
  readonly selected: readonly string[];
}

/**
 * Lists the fleet and judges it for the breaker. `records` are those of the nodes that are not Healthy; a failing node
 * that is not among them is judged with its record, because what was learned of it may explain what it shows. Throws when
 * the fleet cannot be listed.
 */
export async function lookAtFleet(
  { lister, store, selects, rules }: FleetSources,
  records: readonly NodeRecord[],
  now: EpochMillis,
  signal: AbortSignal,
): Promise<FleetLooked> {
  const known = new Map(records.map((record) => [record.name, record]));
  const nodes: FleetNode[] = [];
  const selected: string[] = [];
  const versions = new Map<string, string>();
  const unexplained: NodeSnapshot[] = [];
  for await (const snapshot of lister.list(signal)) {
    versions.set(snapshot.name, snapshot.resourceVersion);
    const isSelected = selects(snapshot);
    if (isSelected) selected.push(snapshot.name);
    const record = known.get(snapshot.name);
    const node = fleetNode(snapshot, record, { ...rules, selected: isSelected }, now);
    if (record === undefined && Object.keys(node.failing).length > 0) unexplained.push(snapshot);
    else nodes.push(node);
  }
  const learned = new Map(
    (await store.getMany(unexplained.map(({ name }) => name))).map((record) => [record.name, record]),
  );
  for (const snapshot of unexplained) {
    nodes.push(fleetNode(snapshot, learned.get(snapshot.name), { ...rules, selected: true }, now));
  }
  return { health: fleetHealth(nodes), versions, selected };
}
