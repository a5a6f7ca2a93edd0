/** The reboot transaction up to the call (reboot protocol, 3.4): first read, fresh read, intent, deadline, call. */
import { brokenByIntent } from "../invariants.ts";
import type { State } from "../layout.ts";
import { countAttempt, mayTryAgain } from "./attempts.ts";
import { know } from "../memory.ts";
import { earliest, goIdle, isOpen, latest, ownEntry, writeLedger, type Model } from "../model.ts";
import { OUTCOME, STEP } from "../state.ts";
import { isBreakerOpen, useGrant } from "./breaker.ts";
import { isBelieved } from "./gates.ts";
import { isLetThrough, isPlanFresh } from "./plan.ts";
import type { Rule } from "./rule.ts";

/** A job starts, at any time, for any VM: the worker reads the ledger, which is the first read of its transaction. */
export const readLedger: Rule = {
  name: "reads the ledger",
  step(model, state, out) {
    const { world, fields } = model;
    const of = fields.worker;
    for (let worker = 0; worker < world.workers; worker += 1) {
      if (of.step.get(state, worker) !== STEP.Idle || of.request.get(state, worker) !== 0) continue;
      for (let vm = 0; vm < world.vms; vm += 1) {
        if (!isLetThrough(model, state, vm)) continue;
        if (asksLedger(model, state) && !mayAllow(model, state, worker, vm)) continue;
        const next = out.from(state);
        of.vm.set(next, worker, vm + 1);
        of.fresh.set(next, worker, 1);
        of.step.set(next, worker, stepAfterFirstRead(model));
        know(model, next, worker);
        out.add("reads the ledger: it allows", worker, vm);
      }
    }
  },
};

/** What the plan lets proceed asks the ledger all the same. */
function asksLedger(model: Model, state: State): boolean {
  return model.has.ledger && (model.has.planOnlyHolds || !isPlanFresh(model, state));
}

function mayAllow(model: Model, state: State, worker: number, vm: number): boolean {
  return model.world.apiClocks.some((clock) =>
    allows(model, state, worker, vm, earliest(model, worker, clock)),
  );
}

function stepAfterFirstRead({ has }: Model): number {
  if (has.freshRead) return STEP.ReadNode;
  return has.ledger ? STEP.WriteIntent : STEP.Send;
}

/** Whether the ledger lets this VM be rebooted: trusted, no pause, window over, attempts and budget left. */
function allows(model: Model, state: State, worker: number, vm: number, now: number): boolean {
  const { fields, has } = model;
  const of = fields.vm;
  if (!isTrusted(model, state, worker, now) || fields.shared.paused.get(state) === 1) return false;
  if (of.notBefore.get(state, vm) > now) return false;
  if (!has.openIntentExpires && of.outcome.get(state, vm) === OUTCOME.Intent) return false;
  return mayTryAgain(model, state, vm) && isWithinBudget(model, state, vm, now);
}

function isTrusted(model: Model, state: State, worker: number, now: number): boolean {
  const { quarantine, vouched } = model.fields.shared;
  if (vouched.get(state) === 1) return true;
  return quarantine.get(state) <= now && isBelieved(model, state, worker);
}

function isWithinBudget(model: Model, state: State, vm: number, now: number): boolean {
  const { world, fields, has } = model;
  if (!has.budgetInLedger) return true;
  if (!has.grantLiftsNoLimit && fields.shared.grantLeft.get(state) > 0) return true;
  let open = 0;
  for (let other = 0; other < world.vms; other += 1) {
    if (other !== vm && isOpen(model, state, other, now)) open += 1;
  }
  return open < world.budget;
}

/** The node is read without a cache and judged again: only a sick one goes on. */
export const readNode: Rule = {
  name: "reads the node",
  step(model, state, out) {
    const { world, fields, has } = model;
    const of = fields.worker;
    for (let worker = 0; worker < world.workers; worker += 1) {
      if (of.step.get(state, worker) !== STEP.ReadNode) continue;
      const vm = of.vm.get(state, worker) - 1;
      if (fields.vm.sick.get(state, vm) === 0 || bootedLately(model, state, vm)) continue;
      const isHeld = has.breakerInTransaction && isBreakerOpen(model, state);
      if (isHeld && fields.shared.grantLeft.get(state) === 0) continue;
      for (let gpu = 0; gpu <= of.seesGpu.max; gpu += 1) {
        const next = out.from(state);
        of.step.set(next, worker, has.ledger ? STEP.WriteIntent : STEP.Send);
        of.seesGpu.set(next, worker, gpu);
        of.granted.set(next, worker, isHeld ? 1 : 0);
        if (!has.deadlineFromFirstRead) of.age.set(next, worker, 0);
        out.add(gpu === 1 ? "reads the node: sick, has GPUs" : "reads the node: sick", worker, vm);
      }
    }
  },
};

/** The boot id is another one than the record knows, or the record saw it change within the wait. */
function bootedLately({ world, fields: { vm: of }, has }: Model, state: State, vm: number): boolean {
  if (world.foreignReboots === "Never" || !has.foreignBootCounts) return false;
  return of.bootKnown.get(state, vm) === 0 || of.sinceBootSeen.get(state, vm) < of.sinceBootSeen.max;
}

/** The intent is written by compare-and-set; from now on it counts as a reboot. */
export const writeIntent: Rule = {
  name: "writes the intent",
  appliesTo: ({ has }) => has.ledger,
  step(model, state, out) {
    const { world, fields, has } = model;
    const of = fields.worker;
    for (let worker = 0; worker < world.workers; worker += 1) {
      if (of.step.get(state, worker) !== STEP.WriteIntent) continue;
      const vm = of.vm.get(state, worker) - 1;
      if (has.intentDeadline && of.age.get(state, worker) > world.sendDeadline) continue;
      if (!has.lostIntentStops) {
        const next = out.from(state);
        of.step.set(next, worker, STEP.Send);
        out.add("writes the intent, which is lost; takes it for written", worker, vm);
      }
      if (has.compareAndSet && of.fresh.get(state, worker) === 0) continue;
      const violation = brokenByIntent(model, state, worker, vm);
      for (const clock of world.apiClocks) {
        const next = out.from(state);
        intend(model, next, worker, vm, latest(model, worker, clock));
        out.add("writes the intent", worker, vm, violation);
        if (!world.releases) continue;
        of.step.set(intended(model, state, out, worker, vm, clock), worker, STEP.ReadToRelease);
        out.add("writes the intent, hears no answer, and will release it", worker, vm, violation);
      }
    }
  },
};

type Out = Parameters<Rule["step"]>[2];

function intended(model: Model, state: State, out: Out, worker: number, vm: number, clock: number): State {
  const next = out.from(state);
  intend(model, next, worker, vm, latest(model, worker, clock));
  return next;
}

/** The window is stamped with the clocks of the first read, the earliest ones that an implementation may take. */
function intend(model: Model, next: State, worker: number, vm: number, clock: number): void {
  const { fields, has } = model;
  const of = fields.vm;
  const age = fields.worker.age.get(next, worker);
  const sees = fields.worker.seesGpu.get(next, worker) === 1;
  const gpu = sees || (has.gpuSticky && of.gpu.get(next, vm) === 1);
  const window = gpu ? model.gpuWindow : model.window;
  of.notBefore.set(next, vm, Math.max(of.notBefore.get(next, vm), clock + window - age, 0));
  of.outcome.set(next, vm, OUTCOME.Intent);
  of.gpu.set(next, vm, gpu ? 1 : 0);
  if (sees) of.everGpu.set(next, vm, 1);
  of.bootChanged.set(next, vm, 0);
  of.sinceIntent.set(next, vm, 0);
  countAttempt(model, next, vm);
  useGrant(model, next, worker);
  writeLedger(model, next, age, worker);
  ownEntry(model, next, vm, worker);
  fields.worker.step.set(next, worker, STEP.Send);
  fields.worker.seesGpu.set(next, worker, 0);
}

/** A crash, or an end of the transaction that leaves nothing behind, which is the same. */
export const giveUp: Rule = {
  name: "stops or crashes",
  step(model, state, out) {
    const of = model.fields.worker;
    for (let worker = 0; worker < model.world.workers; worker += 1) {
      if (of.step.get(state, worker) === STEP.Idle) continue;
      const vm = of.vm.get(state, worker) - 1;
      const next = out.from(state);
      goIdle(model, next, worker);
      out.add("stops or crashes", worker, vm);
    }
  },
};
