import { SECOND, type Millis } from "@node-agent/shared/core/time.ts";
import { Fleet } from "./fleet.ts";
import { Backups } from "./ledger-incidents.ts";
import { forgotten } from "./forgotten.ts";
import type { Call, CallFault } from "./network.ts";
import { judgeExecutions, type Violation } from "./oracle.ts";
import { flush } from "./redis-incidents.ts";
import { sealed } from "./seeded-chance.ts";
import type { EventFault } from "./sim-watch.ts";
import type { Machine } from "./truth.ts";
import type { Twist } from "./twist.ts";
import { World } from "./world.ts";

/** One incident of one node, and the one thing that goes wrong in it. */
export interface OneReboot {
  readonly gpu?: boolean;
  /** The fault of the n-th call that a worker makes for the reboot, counted from 0. */
  readonly at?: number;
  readonly fault?: CallFault;
  /** What happens a second after that fault. */
  readonly aftermath?: "nothing" | "Redis is lost" | "the node heals";
  /** The fault of the n-th event that a watcher gets. */
  readonly event?: number;
  readonly eventFault?: EventFault;
  /** What happens to the ledger, to Redis and to every process this long after the first reboot. */
  readonly disaster?: Disaster;
  readonly disasterAfter?: Millis;
  /** The first reboot does not help. */
  readonly stubborn?: boolean;
  readonly twist?: Twist;
  readonly told?: boolean;
}

/**
 * A backup that is older than the longest silence, or a new ledger, while Redis is lost as well; a younger backup, while
 * Redis has kept nothing but the sequence number. Every process begins anew.
 */
export type Disaster = "OldBackup" | "YoungBackup" | "NewLedger";

/** What became of it. */
export interface OneRebootEnd {
  /** The calls that workers made for the reboot, by name. */
  readonly calls: readonly string[];
  /** Events that watchers got of it. */
  readonly events: number;
  readonly reboots: number;
  readonly violations: readonly Violation[];
  readonly story: readonly string[];
}

const SICK_AT = 4 * SECOND;
/** By then the first backup is older than the longest silence. */
const LATER = 45 * SECOND;
/** Longer than every wait, so that a second reboot would have come. */
const AT_LEAST = 110 * SECOND;
const AT_MOST = 900 * SECOND;
/** Longer than the lock of a job, the send deadline, and all that a call may be late. */
const FREEZE: Millis = 12 * SECOND;

/** A small fleet in which one node fails and is rebooted, without chance, and with at most one fault. */
export async function oneReboot(drill: OneReboot): Promise<OneRebootEnd> {
  const { twist = {}, told = false } = drill;
  const world = new World({ seed: 1, twist, told });
  const unseal = sealed(world.random, told);
  const fleet = new Fleet(world);
  try {
    const machine = populate(world, drill);
    fleet.start();
    const backups = await prepare(world, drill);
    const met = meetFault(world, machine, drill);
    world.truth.sicken(machine, "notReady");
    await playOut(world, machine, drill, () => strike(drill, world, fleet, backups));
    const violations = [...judgeExecutions(world), ...forgotten(world)];
    return { ...met, reboots: world.truth.executions.length, violations, story: world.story.lines };
  } finally {
    fleet.stop();
    unseal();
  }
}

/** Two pools of two; the node that will fail is the answer. */
function populate({ truth }: World, { gpu = false }: OneReboot): Machine {
  const plain = truth.add("a1", "a");
  truth.add("a8", "a");
  const withGpus = truth.add("g2", "g", 8);
  truth.add("g11", "g", 8);
  return gpu ? withGpus : plain;
}

async function prepare(world: World, { disaster, stubborn = false }: OneReboot): Promise<Backups> {
  const { time, network, weather } = world;
  network.freeze = (process) => world.freeze(process, FREEZE);
  weather.cloud.uncured = stubborn ? 1 : 0;
  const backups = new Backups(world);
  await time.runUntil(SECOND);
  if (disaster !== "YoungBackup") backups.take();
  await time.runUntil(disaster === undefined ? SICK_AT : LATER);
  backups.take();
  return backups;
}

/** Counts calls and events from now on, and lets the one meet its fault. */
function meetFault(world: World, machine: Machine, drill: OneReboot): { calls: string[]; events: number } {
  const { truth, network, time, story, queues } = world;
  const met = { calls: [] as string[], events: 0 };
  network.fault = ({ part, method }: Call) => {
    // Once the job is done there is nothing to disturb; what is called then are signs of life.
    const isDone = truth.executions.length > 0 && queues.jobs.size === 0;
    if (part !== "reboot" || isDone) return undefined;
    met.calls.push(method);
    if (met.calls.length - 1 !== drill.at) return undefined;
    story.tell(() => `-- ${drill.fault} at call ${drill.at}, ${method}`);
    time.at(SECOND, () => follow(world, machine, drill));
    return drill.fault;
  };
  world.eventFault = () => {
    met.events += 1;
    return met.events - 1 === drill.event ? drill.eventFault : undefined;
  };
  return met;
}

/** Lets time pass until the node is well and a second reboot would have come. */
async function playOut(
  world: World,
  machine: Machine,
  drill: OneReboot,
  disaster: () => void,
): Promise<void> {
  const { truth, time, weather } = world;
  const { disasterAfter = SECOND } = drill;
  const atLeast = AT_LEAST + (drill.disaster === undefined ? 0 : LATER);
  let struck = drill.disaster === undefined;
  while (time.elapsed < AT_MOST && (time.elapsed < atLeast || forgotten(world).length > 0)) {
    const [first] = truth.executions;
    if (!struck && first !== undefined) {
      struck = true;
      await time.runUntil(first.at - time.start + disasterAfter);
      disaster();
    }
    await time.runUntil(time.elapsed + 2 * SECOND);
    // From the second reboot on they help.
    if (first !== undefined && !machine.booting) weather.cloud.uncured = 0;
  }
}

function strike({ disaster }: OneReboot, world: World, fleet: Fleet, backups: Backups): void {
  const { story, store, time, ledger } = world;
  story.tell(() => `-- ${disaster ?? "nothing"}`);
  if (disaster === "NewLedger") {
    ledger.overwrite(undefined);
    time.at(SECOND, () => backups.recreate());
  } else backups.restoreFirst();
  if (disaster === "YoungBackup") store.records.clear();
  else flush(world);
  for (const process of fleet.processes) fleet.crash(process);
}

function follow(world: World, machine: Machine, { aftermath = "nothing" }: OneReboot): void {
  const { truth, story } = world;
  story.tell(() => `-- then ${aftermath}`);
  if (aftermath === "the node heals" && !machine.booting) truth.heal(machine);
  if (aftermath === "Redis is lost") flush(world);
}
