import { isRationed } from "./limits.ts";
import type { Violation } from "./oracle.ts";
import { isStorm } from "./settings.ts";
import type { Machine } from "./truth.ts";
import type { World } from "./world.ts";

/**
 * Nodes that are still sick after the faults stopped and everything had its time (I4). What may be left to people is
 * left by a name that is true: given up after the attempts that reached the store, held by a storm that is one, by a
 * budget that was used up. What the agents say of themselves excuses nothing alone.
 */
export function forgotten(world: World): Violation[] {
  if (world.promised.policy.monitorOnly) return [];
  const machines = machinesOf(world);
  return machines
    .filter((machine) => isSick(machine))
    .filter((machine) => !isLeftToPeople(world, machine, machines))
    .map(({ name, sickness }) => ({
      invariant: "I4",
      what: `${name} is still ${sickness}, phase ${phaseOf(world, name)}, waits for ${waitsFor(world, name) ?? "nothing"}`,
    }));
}

/** All machines are well. */
export function isAllWell(world: World): boolean {
  return !machinesOf(world).some((machine) => isSick(machine));
}

function machinesOf({ truth }: World): Machine[] {
  return [...truth.machines.values()].filter(({ exists }) => exists);
}

function isLeftToPeople(world: World, machine: Machine, machines: readonly Machine[]): boolean {
  const { name, pool, troubledSince = 0 } = machine;
  const { maxAttempts, storm } = world.promised.policy;
  if (phaseOf(world, name) === "Failed") return world.attempts.count(troubledSince, name) >= maxAttempts;
  const holder = waitsFor(world, name);
  if (holder === "Budget") return isRationed(world, name);
  if (holder !== "Storm") return false;
  const sick = machines.filter(isSick).length;
  const poolIsDown = machines.every((one) => one.pool !== pool || isSick(one));
  return poolIsDown || isStorm(sick, machines.length, storm) || sick > storm.burst;
}

function isSick({ wellSince }: Machine): boolean {
  return wellSince === undefined;
}

/** What the pending reboot of a node says that it waits for. */
export function waitsFor(world: World, name: string): string | undefined {
  const progress = world.queues.jobs.get(name)?.progress;
  const told = typeof progress === "object" && progress !== null && "waitsFor" in progress;
  return told ? String(progress.waitsFor) : undefined;
}

/** The phase that the store keeps of a node. */
function phaseOf(world: World, name: string): string {
  const cell = world.store.records.get(name);
  if (cell === undefined) return "none";
  return /"phase":"(?<phase>\w+)"/u.exec(cell.json)?.groups?.["phase"] ?? "damaged";
}
