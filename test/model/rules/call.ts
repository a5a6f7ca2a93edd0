/** The end of the reboot transaction: the last look at the clock, and the call. */
import type { State } from "../layout.ts";
import { goIdle, type Model } from "../model.ts";
import { STEP } from "../state.ts";
import type { Rule } from "./rule.ts";

/** The last look at the clock, and the call. A connection that fails before a byte leaves is `NotSent`. */
export const send: Rule = {
  name: "sends the call",
  step(model, state, out) {
    const { world, fields, has } = model;
    const of = fields.worker;
    for (let worker = 0; worker < world.workers; worker += 1) {
      if (of.step.get(state, worker) !== STEP.Send) continue;
      const vm = of.vm.get(state, worker) - 1;
      const late = of.age.get(state, worker) > world.sendDeadline;
      if (world.releases) {
        const next = out.from(state);
        of.step.set(next, worker, STEP.ReadToRelease);
        of.age.set(next, worker, 0);
        of.fresh.set(next, worker, 0);
        out.add(late ? "is too late: nothing sent" : "cannot connect: nothing sent", worker, vm);
      }
      if (late && has.deadline) continue;
      const next = out.from(state);
      of.age.set(next, worker, 0);
      of.fresh.set(next, worker, 0);
      if (world.pauseBeforeSend > 0) of.step.set(next, worker, STEP.AboutToSend);
      else call(model, next, worker, vm);
      out.add(world.pauseBeforeSend > 0 ? "is in time, and about to send" : "calls the cloud", worker, vm);
    }
  },
};

/** A worker that was frozen after its last look at the clock sends after all. */
export const sendAfterFreeze: Rule = {
  name: "sends after a freeze",
  appliesTo: ({ world }) => world.pauseBeforeSend > 0,
  step(model, state, out) {
    const of = model.fields.worker;
    for (let worker = 0; worker < model.world.workers; worker += 1) {
      if (of.step.get(state, worker) !== STEP.AboutToSend) continue;
      const vm = of.vm.get(state, worker) - 1;
      const next = out.from(state);
      of.age.set(next, worker, 0);
      call(model, next, worker, vm);
      out.add("calls the cloud", worker, vm);
    }
  },
};

function call(model: Model, next: State, worker: number, vm: number): void {
  const of = model.fields.worker;
  if (!model.has.grantCountedWithIntent) model.fields.shared.grantLeft.lower(next);
  if (!model.awaitsAnswers) goIdle(model, next, worker);
  else of.step.set(next, worker, model.has.notSentMeansNothingLeft ? STEP.AwaitAnswer : STEP.ReadToRelease);
  of.request.set(next, worker, vm + 1);
  of.requestAge.set(next, worker, 0);
}
