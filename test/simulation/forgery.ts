import type { NodeRecord } from "@node-agent/shared/core/record.ts";
import type { World } from "./world.ts";

/** The last instant that JavaScript knows: a wait that nobody lives to see end. */
const NEVER = 8.64e15;

type Forger = (world: World, name: string, record: NodeRecord | undefined) => void;

const FORGERS: readonly Forger[] = [
  function garbage(world, name) {
    put(
      world,
      name,
      world.random.pick(["", "null", "{}", '{"schema":1}', "[1", '{"__proto__":{"phase":"Healthy"}}']),
    );
  },
  function sick(world, name, record) {
    if (record === undefined) return;
    const at = world.time.now - 600_000;
    put(world, name, {
      ...record,
      phase: "Unhealthy",
      failing: { NodeReady: { since: at, sinceObserved: 0, reason: "NotReady" } },
      incident: { id: "forged", startedAt: at, attempts: 0 },
    });
    void world.queues.moveReboot(name, 0);
  },
  function healthy(world, name, record) {
    if (record === undefined) return;
    const { incident: _incident, lastReboot: _lastReboot, ...rest } = record;
    put(world, name, { ...rest, phase: "Healthy", failing: {} });
    // The set of nodes that need attention is another key, from which this forger took nothing.
    world.store.dirty.add(name);
  },
  function neverRebooted(world, name, record) {
    if (record === undefined) return;
    const { lastReboot: _lastReboot, ...rest } = record;
    put(world, name, { ...rest, phase: "Unhealthy", gpuNode: false, gpuHighWater: 0 });
    void world.queues.moveReboot(name, 0);
  },
  function waitsForEver(world, name, record) {
    if (record === undefined) return;
    put(world, name, {
      ...record,
      phase: "WaitingReboot",
      lastReboot: {
        incidentId: "forged",
        number: 1,
        instanceId: "forged",
        token: "forged",
        intendedAt: world.time.now,
        outcome: "Accepted",
        detail: "",
        waitUntil: NEVER,
      },
    });
  },
  function bootsInTheFuture(world, name, record) {
    if (record !== undefined)
      put(world, name, {
        ...record,
        bootSeenAt: NEVER,
        foreignBootAt: NEVER,
        firstSeenAt: NEVER,
        everReady: false,
      });
  },
  function foreignVm(world, name, record) {
    const other = world.random.pick([...world.truth.machines.values()]);
    if (record !== undefined) put(world, name, { ...record, providerId: `civo://${other.instanceId}` });
  },
  function snapshot(world, name) {
    const { store, random } = world;
    const json = store.snapshots.get(name);
    if (json === undefined) return;
    const forged = json.replaceAll(
      /"status":"(?:True|False|Unknown)"/gu,
      `"status":"${random.pick(["True", "False"])}"`,
    );
    store.snapshots.set(name, random.chance(0.2) ? "{" : forged);
    store.newest.set(name, `${random.pick(["1", "99999999999999999999999999", "x"])} forged forged`);
    store.dirty.add(name);
  },
  function sequence(world) {
    world.sequence = world.random.pick([0, 1e6, Number.MAX_SAFE_INTEGER]);
  },
];

/** Somebody with access to Redis writes what he likes. */
export function forge(world: World): void {
  const { random, store, network, story } = world;
  const name = random.pick([...world.truth.machines.keys()]);
  const forger = random.pick(FORGERS);
  world.forged = true;
  network.count.add("Forged");
  story.tell(() => `forged: ${forger.name} of ${name}`);
  forger(world, name, recordOf(store.records.get(name)?.json));
}

function recordOf(json: string | undefined): NodeRecord | undefined {
  try {
    const raw: unknown = JSON.parse(json ?? "");
    return typeof raw === "object" && raw !== null && "uid" in raw ? (raw as NodeRecord) : undefined;
  } catch {
    return undefined;
  }
}

function put({ store }: World, name: string, forged: NodeRecord | string): void {
  const version = (store.records.get(name)?.version ?? 0) + 1;
  store.records.set(name, { version, json: typeof forged === "string" ? forged : JSON.stringify(forged) });
}
