/**
 * One plan for the fleet (decision 21). It is made of what was read at some time, by any worker, and by two at once: here
 * a plan lets any repairs proceed and holds any others, whatever the ledger says by now. A repair that it holds sleeps.
 */
import { brokenByPlan } from "../invariants.ts";
import type { State } from "../layout.ts";
import { goIdle, type Model } from "../model.ts";
import { STEP } from "../state.ts";
import type { Rule } from "./rule.ts";

const isPlanned = ({ world }: Model): boolean => world.planStale > 0;

/** Whether the latest plan counts: one that is too old holds nothing. */
export function isPlanFresh({ world, fields: { shared }, has }: Model, state: State): boolean {
  if (world.planStale === 0) return false;
  return !has.stalePlanHoldsNothing || shared.sincePlan.get(state) <= world.planStale;
}

/** Whether a repair may run its transaction: it is awake, and no plan holds it. */
export function isLetThrough(model: Model, state: State, vm: number): boolean {
  const of = model.fields.vm;
  if (of.asleep.get(state, vm) === 1) return false;
  return !isPlanFresh(model, state) || of.proceeds.get(state, vm) === 1;
}

/** A plan is published, and then wakes the repairs that it lets proceed; its worker may crash in between. */
export const planIsMade: Rule = {
  name: "a plan is made",
  appliesTo: isPlanned,
  step(model, state, out) {
    const { world, fields } = model;
    if (fields.shared.unplanned.get(state) === 1) return;
    for (let proceeding = 0; proceeding < 2 ** world.vms; proceeding += 1) {
      publish(model, out.from(state), proceeding);
      out.add("a plan is published, and its worker crashes before it wakes any repair");
      const done = publish(model, out.from(state), proceeding);
      wake(model, state, done);
      out.add(`a plan lets ${countOf(proceeding)} proceed`, -1, -1, brokenByPlan(model, done));
    }
  },
};

function publish({ world, fields: { vm: of, shared } }: Model, next: State, proceeding: number): State {
  for (let vm = 0; vm < world.vms; vm += 1) of.proceeds.set(next, vm, (proceeding >> vm) & 1);
  shared.sincePlan.set(next, 0, 0);
  return next;
}

/** Each plan wakes all that it lets proceed, and not only what the plan before it held. */
function wake({ world, fields: { vm: of }, has }: Model, state: State, next: State): void {
  for (let vm = 0; vm < world.vms; vm += 1) {
    if (of.proceeds.get(next, vm) === 0) continue;
    if (has.planWakesAll || of.proceeds.get(state, vm) === 0) of.asleep.set(next, vm, 0);
  }
}

function countOf(proceeding: number): string {
  const count = proceeding.toString(2).replaceAll("0", "").length;
  return count === 1 ? "1 repair" : `${count} repairs`;
}

/** No worker makes plans any more, and none ever will. */
export const plansEnd: Rule = {
  name: "no more plans",
  appliesTo: isPlanned,
  step({ fields: { shared } }, state, out) {
    if (shared.unplanned.get(state) === 1) return;
    const next = out.from(state);
    shared.unplanned.set(next, 0, 1);
    out.add("no more plans are made, for good");
  },
};

/** A worker finds that the plan holds its repair. By the time it sleeps the next plan may let it proceed. */
export const planHolds: Rule = {
  name: "reads the plan: held",
  appliesTo: isPlanned,
  step(model, state, out) {
    const { world, fields } = model;
    const of = fields.worker;
    if (!isPlanFresh(model, state)) return;
    for (let worker = 0; worker < world.workers; worker += 1) {
      if (of.step.get(state, worker) !== STEP.Idle || of.request.get(state, worker) !== 0) continue;
      for (let vm = 0; vm < world.vms; vm += 1) {
        if (fields.vm.asleep.get(state, vm) === 1 || fields.vm.proceeds.get(state, vm) === 1) continue;
        const next = out.from(state);
        of.step.set(next, worker, STEP.FallAsleep);
        of.vm.set(next, worker, vm + 1);
        out.add("reads the plan: held", worker, vm);
      }
    }
  },
};

/** The repair that the plan held goes to sleep. */
export const fallAsleep: Rule = {
  name: "puts a held repair to sleep",
  appliesTo: isPlanned,
  step(model, state, out) {
    const of = model.fields.worker;
    for (let worker = 0; worker < model.world.workers; worker += 1) {
      if (of.step.get(state, worker) !== STEP.FallAsleep) continue;
      const vm = of.vm.get(state, worker) - 1;
      const next = out.from(state);
      model.fields.vm.asleep.set(next, vm, 1);
      goIdle(model, next, worker);
      out.add("puts the repair to sleep", worker, vm);
    }
  },
};

/** A sleep ends by itself, at any time: it is longer than all that the plan is for, and jobs are repeated and forged. */
export const sleepEnds: Rule = {
  name: "a held repair wakes by itself",
  appliesTo: ({ world, has }) => world.planStale > 0 && has.sleepEnds,
  step({ world, fields: { vm: of } }, state, out) {
    for (let vm = 0; vm < world.vms; vm += 1) {
      if (of.asleep.get(state, vm) === 0) continue;
      const next = out.from(state);
      of.asleep.set(next, vm, 0);
      out.add("has slept for long: its repair looks for itself", -1, vm);
    }
  },
};
