import { isRationed } from "./limits.ts";
import type { Violation } from "./oracle.ts";
import { showsSilent } from "./shown.ts";
import { TrueBreakers } from "./true-breakers.ts";
import type { Machine } from "./truth.ts";
import type { World } from "./world.ts";

/**
 * Nodes that are still sick after the faults stopped and everything had its time (I4). What may be left to people is
 * left by a name that is true: given up after the attempts that reached the store, held by a breaker that is open, by
 * a rate that was used up. What the agents say of themselves excuses nothing alone.
 */
export function forgotten(world: World): Violation[] {
  if (world.promised.policy.monitorOnly) return [];
  return machinesOf(world)
    .filter((machine) => isSick(machine))
    .filter((machine) => !isLeftToPeople(world, machine))
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

function isLeftToPeople(world: World, machine: Machine): boolean {
  const { name, troubledSince = 0 } = machine;
  const { maxAttempts } = world.promised.policy;
  if (phaseOf(world, name) === "Failed") return world.attempts.count(troubledSince, name) >= maxAttempts;
  const holder = waitsFor(world, name);
  if (holder === "Limit") return isRationed(world, name);
  if (holder !== "Breaker") return false;
  const breakers = new TrueBreakers(world.promised.policy.breaker);
  breakers.look(
    machinesOf(world).map((one) => ({
      pool: one.pool,
      zone: one.zone,
      sick: isSick(one),
      silent: showsSilent(one),
    })),
    world.time.now,
  );
  return breakers.since(machine) !== undefined;
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
