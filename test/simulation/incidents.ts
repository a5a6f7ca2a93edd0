import type { Millis } from "@node-agent/shared/core/time.ts";
import type { Fleet } from "./fleet.ts";
import { forge } from "./forgery.ts";
import * as ledgers from "./ledger-incidents.ts";
import { checkpoint, flush, loseTail, type Checkpoint } from "./redis-incidents.ts";
import type { Machine } from "./truth.ts";
import type { World } from "./world.ts";

/** What incidents work on. */
export interface Scene {
  readonly world: World;
  readonly fleet: Fleet;
  readonly backups: ledgers.Backups;
  /** What a replica of Redis holds that lags behind. */
  replica: Checkpoint;
}

/** One thing that goes wrong, or right, in the world. */
type Incident = (scene: Scene) => void | Promise<void>;

/** Sets up what incidents need to remember. */
export function sceneOf(world: World, fleet: Fleet): Scene {
  return { world, fleet, backups: new ledgers.Backups(world), replica: checkpoint(world) };
}

const machinesOf = ({ truth }: World): Machine[] =>
  [...truth.machines.values()].filter(({ exists, registered }) => exists && registered);

const someMachine = (world: World): Machine => world.random.pick(machinesOf(world));

/** How far a clock may be off, as a part of what two of them may be apart. */
const FARTHEST = 0.46;

/** Everything that can happen, by name. */
export const INCIDENTS = {
  sicken: ({ world }) => {
    const { random, truth } = world;
    const machine = someMachine(world);
    if (machine.booting) return;
    const gpu = machine.gpus > 0 && random.chance(0.6);
    truth.sicken(machine, gpu ? "gpuLost" : random.pick(["notReady", "silent", "cilium"]));
  },
  heal: ({ world }) => world.truth.heal(someMachine(world)),
  sickenBriefly: ({ world }) => {
    const { truth, time, random } = world;
    const machine = someMachine(world);
    truth.sicken(machine, "notReady");
    time.at(random.between(6000, 12_000), () => truth.heal(machine));
  },
  crash: ({ world, fleet }) => {
    const { processes } = fleet;
    if (processes.length > 0) fleet.crash(world.random.pick(processes));
  },
  freeze: ({ world, fleet }) => {
    const { processes } = fleet;
    if (processes.length > 0) world.freeze(world.random.pick(processes), world.random.between(500, 9000));
  },
  flush: ({ world, backups }) => {
    if (backups.mayLoseRedis()) flush(world);
  },
  loseTail: ({ world, backups, replica }) => {
    if (backups.mayLoseRedis()) loseTail(world, replica);
  },
  redisClock: ({ world }) => {
    world.redisSkew = Math.round(world.random.between(-1, 1) * world.apiSkew);
  },
  drift: ({ world, fleet }) => {
    world.drift = world.random.pick([-1, 1]) * FARTHEST * world.promised.ledger.clockSkew;
    world.redisSkew = world.drift;
    for (const process of fleet.processes) {
      process.skew = world.drift;
      process.usualSkew = world.drift;
    }
  },
  apiOutage: ({ world }) => outage(world, "api", world.random.between(500, 14_000)),
  redisOutage: ({ world }) => outage(world, "redis", world.random.between(300, 6000)),
  replace: ({ world }) => {
    world.truth.replace(someMachine(world));
  },
  deregister: ({ world }) => {
    const { truth, time, random } = world;
    const machine = someMachine(world);
    truth.deregister(machine);
    time.at(random.between(1000, 15_000), () => truth.register(machine));
  },
  promoteJobs: ({ world }) => world.queues.promoteAll(),
  deleteJobs: ({ world }) => world.queues.clear(),
  loseRecords: ({ world }) => {
    const { store, random, network } = world;
    for (const name of store.records.keys()) if (random.chance(0.3)) store.records.delete(name);
    network.count.add("RecordLost");
  },
  staleWatch: ({ world, fleet }) => {
    const { watchers } = fleet;
    const { random, time, network, story } = world;
    // One watcher, or everybody behind one API server that lags.
    const all = random.chance(0.4);
    for (const { watch, process } of watchers) {
      if (!all && random.chance(0.5)) continue;
      watch.staleUntil = time.elapsed + random.between(3000, 25_000);
      network.count.add("StaleWatch");
      story.tell(() => `${process.name} sees an old view`);
    }
  },
  clockJump: ({ world, fleet }) => {
    const { processes } = fleet;
    if (processes.length === 0) return;
    const { random, time, network, story } = world;
    const process = random.pick(processes);
    process.skew = Math.round(random.pick([-1, 1]) * random.between(4000, 25_000));
    network.count.add("ClockJump");
    story.tell(() => `the clock of ${process.name} jumps to ${process.skew} ms`);
    time.at(random.between(500, 12_000), () => {
      process.skew = process.usualSkew;
    });
  },
  rogueProviderId: ({ world }) => {
    const { truth, time, random, network, story } = world;
    const [machine, victim] = [someMachine(world), someMachine(world)];
    if (machine === victim) return;
    machine.claims = victim.instanceId;
    truth.changed(machine);
    network.count.add("RogueProviderId");
    story.tell(() => `${machine.name} claims the VM of ${victim.name}`);
    time.at(random.between(5000, 40_000), () => {
      machine.claims = undefined;
      truth.changed(machine);
    });
  },
  forge: ({ world }) => forge(world),
  optOut: ({ world }) => {
    const { truth, time, random } = world;
    const machine = someMachine(world);
    if (machine.optedOutSince !== undefined) return;
    machine.optedOutSince = time.now;
    truth.changed(machine);
    time.at(random.between(10_000, 50_000), () => {
      machine.optedOutSince = undefined;
      truth.changed(machine);
    });
  },
  pause: async ({ world }) => ledgers.pause(world),
  resume: async ({ world }) => ledgers.resume(world),
  restoreOldLedger: (scene) => {
    // Its silence alone must tell it: often Redis forgets everything as well.
    if (scene.backups.restoreOld()) forgetAll(scene);
  },
  restoreYoungLedger: (scene) => {
    // Its number alone must tell it, and only Redis remembers that: often there is no record left.
    if (!scene.backups.restoreYoung() || scene.world.random.chance(0.3)) return;
    scene.world.store.records.clear();
    restartAll(scene);
  },
  loseLedger: (scene) => {
    if (scene.backups.lose()) forgetAll(scene);
  },
} satisfies Record<string, Incident>;

export type IncidentName = keyof typeof INCIDENTS;

/** Lets one thing happen, and tells of it. */
export async function happen(name: IncidentName, scene: Scene): Promise<void> {
  const { story, network } = scene.world;
  story.tell(() => `-- ${name}`);
  network.count.add(name);
  const incident: Incident = INCIDENTS[name];
  await incident(scene);
}

/** Nobody but the ledger knows anything any more: Redis is lost, and every process begins anew. */
function forgetAll(scene: Scene): void {
  if (scene.world.random.chance(0.3) || !scene.backups.mayLoseRedis()) return;
  flush(scene.world);
  restartAll(scene);
}

function restartAll({ fleet }: Scene): void {
  for (const process of fleet.processes) fleet.crash(process);
}

function outage(world: World, what: "api" | "redis", span: Millis): void {
  const { weather, time, truth } = world;
  if (weather[what].down) return;
  weather[what].down = true;
  if (what === "api") {
    world.apiDownSince = time.elapsed;
    truth.darkness.dark = true;
  }
  time.at(span, () => endOutage(world, what));
}

/** The dependency is back. */
export function endOutage(world: World, what: "api" | "redis"): void {
  world.weather[what].down = false;
  if (what !== "api") return;
  world.apiDownSince = undefined;
  world.truth.darkness.dark = false;
}
