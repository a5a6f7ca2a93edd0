/**
 * How often a VM may be rebooted in one incident. The count is what a transaction counts: that of the record, joined
 * with that of the ledger (`core/recall.ts`), so that a Redis without its data forgets nothing.
 */
import { brokenByVerdict } from "../invariants.ts";
import type { State } from "../layout.ts";
import type { Model } from "../model.ts";
import { BOOTING, OUTCOME } from "../state.ts";
import { settle } from "./outcomes.ts";
import type { Rule } from "./rule.ts";

/** Whether attempts are left, and it is known what the latest one came to. */
export function mayTryAgain({ world, fields: { vm: of }, has }: Model, state: State, vm: number): boolean {
  if (world.maxAttempts === 0) return true;
  if (has.verdictFirst && of.outcome.get(state, vm) === OUTCOME.Intent) return false;
  return !has.attemptsInLedger || of.attempts.get(state, vm) < world.maxAttempts;
}

/** The intent counts as an attempt. A machine that is down will boot, and it cannot be seen which attempt made it. */
export function countAttempt(model: Model, next: State, vm: number): void {
  const of = model.fields.vm;
  of.attempts.raise(next, vm);
  of.evident.set(next, vm, 0);
  if (of.booting.get(next, vm) !== BOOTING.No) speakFor(model, next, vm);
}

/** The latest attempt was carried out, or it looks so. */
export function speakFor({ fields: { vm: of } }: Model, next: State, vm: number): void {
  if (of.evident.get(next, vm) === 1) return;
  of.evident.set(next, vm, 1);
  of.evidence.raise(next, vm);
}

function forget({ fields: { vm: of } }: Model, next: State, vm: number): void {
  of.reboots.set(next, vm, 0);
  of.evidence.set(next, vm, 0);
}

/** The boot id is the old one when the wait is over: with a kubelet that reports, the attempt is given back. */
export const proveNoBoot: Rule = {
  name: "proves that nothing was executed",
  appliesTo: ({ world }) => world.maxAttempts > 0,
  step(model, state, out) {
    const { world, fields, has } = model;
    const of = fields.vm;
    for (let vm = 0; vm < world.vms; vm += 1) {
      if (of.outcome.get(state, vm) !== OUTCOME.Intent || of.bootChanged.get(state, vm) === 1) continue;
      if (has.proofWaits && !isLanded(model, state, vm)) continue;
      const speaks =
        of.booting.get(state, vm) === BOOTING.No || of.lag.get(state, vm) > 0 || !has.kubeletProves;
      const next = out.from(state);
      settle(model, next, vm, OUTCOME.Done);
      if (speaks && has.notExecutedGivesBack) of.attempts.lower(next, vm);
      const what = speaks ? "not executed" : "still bad, its kubelet is silent";
      out.add(`is verified: ${what}`, -1, vm, brokenByVerdict(model, next, vm));
    }
  },
};

/** The wait is over: no call can be on its way, and the status of a machine that went down shows it. */
function isLanded({ fields: { vm: of }, has, allowance }: Model, state: State, vm: number): boolean {
  if (of.notBefore.get(state, vm) === 0) return true;
  const wellFor = Math.max(of.healthyFor.get(state, vm), of.looksWellFor.get(state, vm));
  return !has.proofWaitsWhenWell && wellFor > allowance;
}

/** The machine of a node that is well goes down, which its status does not say at once. */
export function keepStatus({ world, fields: { vm: of } }: Model, next: State, vm: number): void {
  if (world.statusLag === 0 || of.sick.get(next, vm) === 1) return;
  of.lag.set(next, vm, world.statusLag);
  of.looksWellFor.set(next, vm, of.healthyFor.get(next, vm));
}

/** A node that has been well for long has all its attempts again. */
export const incidentEnds: Rule = {
  name: "an incident ends",
  appliesTo: ({ world }) => world.maxAttempts > 0,
  step(model, state, out) {
    const { world, fields, has, allowance } = model;
    const of = fields.vm;
    for (let vm = 0; vm < world.vms; vm += 1) {
      if (of.sick.get(state, vm) === 1 || of.attempts.get(state, vm) === 0) continue;
      const isOver = of.healthyFor.get(state, vm) > allowance && of.outcome.get(state, vm) !== OUTCOME.Intent;
      if (!isOver && has.relapseContinues) continue;
      const next = out.from(state);
      of.attempts.set(next, vm, 0);
      if (isOver) forget(model, next, vm);
      out.add(isOver ? "has been well for long: its incident is over" : "is well for a moment", -1, vm);
    }
  },
};

/** An operator has a VM tried again that was given up. */
export const retry: Rule = {
  name: "an operator has it tried again",
  appliesTo: ({ world, has }) => world.maxAttempts > 0 && has.retryEndsFailed,
  step(model, state, out) {
    const { world, fields } = model;
    const of = fields.vm;
    for (let vm = 0; vm < world.vms; vm += 1) {
      if (of.attempts.get(state, vm) < world.maxAttempts || of.notBefore.get(state, vm) > 0) continue;
      if (of.outcome.get(state, vm) === OUTCOME.Intent) continue;
      const next = out.from(state);
      of.attempts.set(next, vm, 0);
      forget(model, next, vm);
      out.add("was given up, and an operator has it tried again", -1, vm);
    }
  },
};
