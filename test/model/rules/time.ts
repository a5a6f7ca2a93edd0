import type { State } from "../layout.ts";
import type { Model } from "../model.ts";
import { STEP } from "../state.ts";
import { noteBreaker } from "./breaker.ts";
import { isPlanFresh } from "./plan.ts";
import type { Rule } from "./rule.ts";

/** One tick for everybody. Requests that the cloud did not carry out by now are gone. */
export const timePasses: Rule = {
  name: "time passes",
  step(model, state, out) {
    if (somebodyMustSendNow(model, state)) return;
    const next = out.from(state);
    ageVms(model, next);
    ageWorkers(model, next);
    const { shared } = model.fields;
    shared.sinceBeat.raise(next);
    shared.savedSinceBeat.raise(next);
    if (model.has.quarantineEnds) shared.quarantine.lower(next);
    shared.savedQuarantine.lower(next);
    shared.savedAge.raise(next);
    agePlan(model, next);
    shared.sinceOpen.raise(next);
    noteBreaker(model, next);
    out.add("time passes");
  },
};

/** A worker between its last look at the clock and the call freezes no longer than the world says. */
function somebodyMustSendNow({ world, fields: { worker: of } }: Model, state: State): boolean {
  for (let worker = 0; worker < world.workers; worker += 1) {
    const about = of.step.get(state, worker) === STEP.AboutToSend;
    if (about && of.age.get(state, worker) >= world.pauseBeforeSend) return true;
  }
  return false;
}

function ageVms({ world, fields: { vm: of } }: Model, next: State): void {
  for (let vm = 0; vm < world.vms; vm += 1) {
    if (of.sick.get(next, vm) === 0) of.healthyFor.raise(next, vm);
    if (of.lag.get(next, vm) > 0) of.looksWellFor.raise(next, vm);
    of.lag.lower(next, vm);
    if (of.lag.get(next, vm) === 0) of.looksWellFor.set(next, vm, 0);
    of.sinceReboot.raise(next, vm);
    of.sinceForeign.raise(next, vm);
    of.sinceBootSeen.raise(next, vm);
    of.sinceIntent.raise(next, vm);
    of.notBefore.lower(next, vm);
    of.savedNotBefore.lower(next, vm);
    of.promised.lower(next, vm);
  }
}

/** What a plan said is nothing any more once it is too old. */
function agePlan(model: Model, next: State): void {
  const { vm, shared } = model.fields;
  shared.sincePlan.raise(next);
  if (isPlanFresh(model, next)) return;
  for (let row = 0; row < model.world.vms; row += 1) vm.proceeds.set(next, row, 0);
}

function ageWorkers({ world, fields: { worker: of } }: Model, next: State): void {
  const longestOnItsWay = world.callDeadline + world.lateExecution;
  for (let worker = 0; worker < world.workers; worker += 1) {
    if (of.known.get(next, worker) > 0) of.knownAge.raise(next, worker);
    if (hasDeadline(of.step.get(next, worker))) of.age.raise(next, worker);
    if (of.request.get(next, worker) === 0) continue;
    if (of.requestAge.get(next, worker) < longestOnItsWay) {
      of.requestAge.raise(next, worker);
    } else {
      of.request.set(next, worker, 0);
      of.requestAge.set(next, worker, 0);
    }
  }
}

function hasDeadline(step: number): boolean {
  return (
    step !== STEP.Idle && step !== STEP.AwaitAnswer && step !== STEP.ReadToRelease && step !== STEP.FallAsleep
  );
}
