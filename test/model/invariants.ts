/**
 * The promises (`design.md`, I1 to I3), as checks on the two transitions that can break them: the cloud reboots a VM, and
 * a worker writes an intent. "No deadlock" is checked by the explorer (`Configuration.progress`).
 */
import { type State } from "./layout.ts";
import type { Model } from "./model.ts";
import type { Violation } from "./successors.ts";

/** The promises by name. A closed set: ablations name the one that they break. */
export const INVARIANTS = {
  I1: "no VM is rebooted twice within its wait",
  "I1 foreign": "no VM is rebooted within the wait after a boot that somebody else caused and a record shows",
  "I1 settled": "no intent is written within a window whose outcome is settled",
  I2: "no VM is rebooted that was healthy at the last read (allowance S + D)",
  I3: "never more VMs in flight than the budget",
  pace: "two attempts on a VM are at least a cool-down apart (allowance: the skew of clocks)",
  paused: "no intent is written while an operator pauses repairs",
  breaker: "no intent is written against a breaker that has been open for S without a grant",
  granted: "no more repairs begin against the breaker than an operator granted",
  wakes: "no plan that is carried out leaves a repair asleep that it lets proceed",
  attempts: "no VM is rebooted more often in one incident than the attempts allow",
  "given up": "no VM is given up for attempts that no boot and no silence speaks for",
  progress: "no state is cut off from a further reboot",
} as const;
export type InvariantId = keyof typeof INVARIANTS;

interface Broken extends Violation {
  readonly invariant: InvariantId;
}

function broken(invariant: InvariantId, why: string): Broken {
  return { invariant, why };
}

function checked({ checks }: Model, violation: Broken | undefined): Broken | undefined {
  return violation !== undefined && checks[violation.invariant] ? violation : undefined;
}

/** What a reboot of `vm` now would break. `state` is the state just before it. */
export function brokenByReboot(model: Model, state: State, vm: number): Broken | undefined {
  return (
    checked(model, rebootedTwice(model, state, vm)) ??
    checked(model, rebootedAfterForeignBoot(model, state, vm)) ??
    checked(model, rebootedHealthy(model, state, vm)) ??
    checked(model, overBudget(model, state, vm)) ??
    checked(model, tooOften(model, state, vm))
  );
}

function rebootedTwice({ world, fields: { vm: of } }: Model, state: State, vm: number): Broken | undefined {
  const since = of.sinceReboot.get(state, vm);
  const wait = of.longWait.get(state, vm) === 1 ? (world.gpuWait as number) : world.wait;
  return since < wait
    ? broken("I1", `rebooted ${since} after the reboot before, its wait is ${wait}`)
    : undefined;
}

function rebootedAfterForeignBoot(model: Model, state: State, vm: number): Broken | undefined {
  const { world, fields, allowance } = model;
  if (world.foreignReboots === "Never") return undefined;
  const since = fields.vm.sinceForeign.get(state, vm);
  if (since <= allowance || since >= world.wait) return undefined;
  return broken("I1 foreign", `rebooted ${since} after somebody else did, the wait is ${world.wait}`);
}

function rebootedHealthy(
  { fields: { vm: of }, allowance }: Model,
  state: State,
  vm: number,
): Broken | undefined {
  if (of.sick.get(state, vm) === 1) return undefined;
  const since = of.healthyFor.get(state, vm);
  return since > allowance ? broken("I2", `healthy for ${since}, the allowance is ${allowance}`) : undefined;
}

function overBudget({ world, fields: { vm: of } }: Model, state: State, vm: number): Broken | undefined {
  let inFlight = 1;
  for (let other = 0; other < world.vms; other += 1) {
    if (other === vm || of.cured.get(state, other) === 1) continue;
    if (of.sinceReboot.get(state, other) < world.wait) inFlight += 1;
  }
  return inFlight > world.budget
    ? broken("I3", `${inFlight} VMs in flight within ${world.wait}, the budget is ${world.budget}`)
    : undefined;
}

function tooOften({ world, fields: { vm: of } }: Model, state: State, vm: number): Broken | undefined {
  if (world.maxAttempts === 0 || of.reboots.get(state, vm) < world.maxAttempts) return undefined;
  return broken("attempts", `rebooted once more after ${world.maxAttempts} reboots in this incident`);
}

/** What the verdict that led to `next` breaks. */
export function brokenByVerdict(model: Model, next: State, vm: number): Broken | undefined {
  const { world, fields } = model;
  const { attempts, evidence } = fields.vm;
  const isGivenUp = world.maxAttempts > 0 && attempts.get(next, vm) === world.maxAttempts;
  const spoken = evidence.get(next, vm);
  if (!isGivenUp || spoken === world.maxAttempts) return undefined;
  const why = `given up for ${world.maxAttempts} attempts, of which ${spoken} may have been carried out`;
  return checked(model, broken("given up", why));
}

/** What the plan that led to `next` breaks. */
export function brokenByPlan(model: Model, next: State): Broken | undefined {
  const { proceeds, asleep } = model.fields.vm;
  for (let vm = 0; vm < model.world.vms; vm += 1) {
    if (proceeds.get(next, vm) === 0 || asleep.get(next, vm) === 0) continue;
    return checked(model, broken("wakes", `VM ${vm + 1} may proceed, and its repair sleeps`));
  }
  return undefined;
}

/** What an intent of `worker` for `vm` now would break. `state` is the state just before it. */
export function brokenByIntent(model: Model, state: State, worker: number, vm: number): Broken | undefined {
  return (
    checked(model, withinSettledWindow(model, state, vm)) ??
    checked(model, tooSoon(model, state, vm)) ??
    checked(model, againstPause(model, state)) ??
    checked(model, againstBreaker(model, state)) ??
    checked(model, beyondGrant(model, state, worker))
  );
}

function againstPause({ fields: { shared } }: Model, state: State): Broken | undefined {
  return shared.pauseOrdered.get(state) === 1 ? broken("paused", "an operator pauses repairs") : undefined;
}

function againstBreaker({ world, fields: { shared } }: Model, state: State): Broken | undefined {
  if (shared.sinceOpen.get(state) <= world.sendDeadline) return undefined;
  return broken("breaker", `it has been open for longer than ${world.sendDeadline}, and no grant holds`);
}

function beyondGrant({ world, fields: { shared, worker: of } }: Model, state: State, worker: number) {
  if (of.granted.get(state, worker) === 0 || shared.begun.get(state) < world.grant) return undefined;
  return broken("granted", `one more began than the ${world.grant} that were granted`);
}

function withinSettledWindow({ fields: { vm: of } }: Model, state: State, vm: number): Broken | undefined {
  const promised = of.promised.get(state, vm);
  return promised > 0 ? broken("I1 settled", `the settled window has ${promised} left`) : undefined;
}

function tooSoon({ world, fields: { vm: of } }: Model, state: State, vm: number): Broken | undefined {
  const since = of.sinceIntent.get(state, vm);
  if (!world.releases || since >= world.cooldown - world.clockSkew) return undefined;
  return broken("pace", `${since} after the attempt before, the cool-down is ${world.cooldown}`);
}
