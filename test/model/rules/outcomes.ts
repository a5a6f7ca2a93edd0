/** What is written of a reboot after its call: the release of a window, and the verification by boot id. */
import { brokenByVerdict } from "../invariants.ts";
import type { State } from "../layout.ts";
import { know } from "../memory.ts";
import { goIdle, latest, ownEntry, writeLedger, type Model } from "../model.ts";
import { OUTCOME, STEP } from "../state.ts";
import { isBelieved } from "./gates.ts";
import type { Rule } from "./rule.ts";

/** An answer never came. It counts as a reboot; a worker that does not know that takes it for not sent. */
export const answerIsMissing: Rule = {
  name: "hears no answer",
  appliesTo: ({ has, awaitsAnswers }) => awaitsAnswers && !has.unknownIsReboot,
  step({ world, fields: { worker: of } }, state, out) {
    for (let worker = 0; worker < world.workers; worker += 1) {
      if (of.step.get(state, worker) !== STEP.AwaitAnswer) continue;
      const next = out.from(state);
      of.step.set(next, worker, STEP.ReadToRelease);
      out.add("hears no answer, and takes it for not sent", worker, of.vm.get(state, worker) - 1);
    }
  },
};

/** `withOutcome`: an entry is released if it is the open intent of this very transaction. There is no deadline for it. */
function mayRelease(model: Model, state: State, worker: number, vm: number): boolean {
  const { fields, has } = model;
  const outcome = fields.vm.outcome.get(state, vm);
  if (has.outcomeRespectsSilence && !isBelieved(model, state, worker)) return false;
  if (has.releaseFencedByToken && fields.worker.mine.get(state, worker) === 0) return false;
  return has.releaseOnlyOpenIntent ? outcome === OUTCOME.Intent : outcome !== OUTCOME.None;
}

/** The worker that knows that nothing happened reads the ledger again. */
export const readToRelease: Rule = {
  name: "reads the ledger to release",
  appliesTo: ({ awaitsAnswers }) => awaitsAnswers,
  step(model, state, out) {
    const of = model.fields.worker;
    for (let worker = 0; worker < model.world.workers; worker += 1) {
      if (of.step.get(state, worker) !== STEP.ReadToRelease) continue;
      const vm = of.vm.get(state, worker) - 1;
      if (!mayRelease(model, state, worker, vm)) continue;
      const next = out.from(state);
      of.step.set(next, worker, STEP.WriteRelease);
      of.fresh.set(next, worker, 1);
      of.age.set(next, worker, 0);
      know(model, next, worker);
      out.add("reads the ledger to release the window", worker, vm);
    }
  },
};

/** The release is written by compare-and-set; its answer may be lost, and then it is read and tried again. */
export const writeRelease: Rule = {
  name: "releases the window",
  appliesTo: ({ awaitsAnswers }) => awaitsAnswers,
  step(model, state, out) {
    const { world, fields, has } = model;
    const of = fields.worker;
    for (let worker = 0; worker < world.workers; worker += 1) {
      if (of.step.get(state, worker) !== STEP.WriteRelease) continue;
      const vm = of.vm.get(state, worker) - 1;
      const conflict = has.releaseComparesAndSets && of.fresh.get(state, worker) === 0;
      const late = has.releaseDeadline && of.age.get(state, worker) > world.sendDeadline;
      if (conflict || late) {
        tryAgain(model, out.from(state), worker);
        out.add(
          late ? "is too slow to release, and reads again" : "meets a conflict, and reads again",
          worker,
          vm,
        );
        continue;
      }
      for (const clock of world.apiClocks) {
        const done = out.from(state);
        release(model, done, worker, vm, clock);
        goIdle(model, done, worker);
        out.add("releases the window", worker, vm);
        const unheard = out.from(state);
        release(model, unheard, worker, vm, clock);
        tryAgain(model, unheard, worker);
        out.add("releases the window, but hears no answer", worker, vm);
      }
    }
  },
};

function tryAgain({ fields: { worker: of } }: Model, next: State, worker: number): void {
  of.step.set(next, worker, STEP.ReadToRelease);
  of.fresh.set(next, worker, 0);
  of.age.set(next, worker, 0);
}

function release(model: Model, next: State, worker: number, vm: number, clock: number): void {
  const { world, fields, has } = model;
  const until = has.cooldown ? latest(model, worker, clock) + world.cooldown : 0;
  fields.vm.notBefore.set(next, vm, Math.min(until, fields.vm.notBefore.max));
  fields.vm.outcome.set(next, vm, OUTCOME.Released);
  fields.vm.attempts.lower(next, vm);
  // Overwriting puts back the entry as it was read, with its token.
  if (!has.releaseComparesAndSets) ownEntry(model, next, vm, worker);
  writeLedger(model, next, fields.worker.age.get(next, worker), worker);
}

/** Somebody finds the VM up with a new boot id, and settles the outcome. The window stays as it is. */
export const verifyBoot: Rule = {
  name: "verifies a boot",
  appliesTo: ({ world }) => world.verification,
  step(model, state, out) {
    const { fields, has } = model;
    const of = fields.vm;
    for (let vm = 0; vm < model.world.vms; vm += 1) {
      if (of.outcome.get(state, vm) !== OUTCOME.Intent) continue;
      const isCured = seemsCured(model, state, vm);
      const rebooted = of.bootChanged.get(state, vm) === 1;
      if (rebooted && of.sick.get(state, vm) === 1) {
        const next = out.from(state);
        settle(model, next, vm, OUTCOME.Done);
        out.add("is verified: rebooted, still bad", -1, vm, brokenByVerdict(model, next, vm));
      }
      if (!isCured && has.curedIsRead) continue;
      const next = out.from(state);
      settle(model, next, vm, OUTCOME.Cured);
      of.cured.set(next, vm, isCured ? 1 : 0);
      if (!has.curedKeepsWindow) of.notBefore.set(next, vm, 0);
      out.add(isCured ? "is verified: cured" : "is verified: cured, by a record that is wrong", -1, vm);
    }
  },
};

/** Up with a new boot id and healthy, for longer than a call could still be on its way. */
function seemsCured({ fields: { vm: of }, has, allowance }: Model, state: State, vm: number): boolean {
  if (of.bootChanged.get(state, vm) === 0 || of.sick.get(state, vm) === 1) return false;
  return !has.curedTakesTime || of.healthyFor.get(state, vm) > allowance;
}

/** The boot id is the old one: nothing was executed, or not yet, or it has not come up. The window stays as it is. */
export const verifyNoBoot: Rule = {
  name: "verifies that nothing was executed",
  appliesTo: ({ world }) => world.verification && world.maxAttempts === 0,
  step(model, state, out) {
    const of = model.fields.vm;
    for (let vm = 0; vm < model.world.vms; vm += 1) {
      if (of.outcome.get(state, vm) !== OUTCOME.Intent || of.bootChanged.get(state, vm) === 1) continue;
      const next = out.from(state);
      settle(model, next, vm, OUTCOME.Done);
      if (!model.has.notExecutedKeepsWindow) of.notBefore.set(next, vm, 0);
      out.add("is verified: not executed", -1, vm);
    }
  },
};

/** Writes what a reboot came to. */
export function settle(model: Model, next: State, vm: number, outcome: number): void {
  const of = model.fields.vm;
  writeLedger(model, next);
  of.outcome.set(next, vm, outcome);
  of.promised.set(next, vm, of.notBefore.get(next, vm));
}
