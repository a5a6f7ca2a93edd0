import { brokenByReboot } from "../invariants.ts";
import type { State } from "../layout.ts";
import type { Model } from "../model.ts";
import { keepStatus, speakFor } from "./attempts.ts";
import { BOOTING, STEP } from "../state.ts";
import type { Rule } from "./rule.ts";

/** The cloud carries out a request that is on its way. */
export const cloudReboots: Rule = {
  name: "the cloud reboots a VM",
  step(model, state, out) {
    const { world, fields } = model;
    const of = fields.vm;
    for (let worker = 0; worker < world.workers; worker += 1) {
      const vm = fields.worker.request.get(state, worker) - 1;
      if (vm < 0) continue;
      const next = out.from(state);
      answered(model, next, worker);
      keepStatus(model, next, vm);
      // The machine goes down: a node that was well fails from now on.
      if (of.sick.get(state, vm) === 0) of.young.set(next, vm, 1);
      of.sick.set(next, vm, 1);
      of.healthyFor.set(next, vm, 0);
      of.sinceReboot.set(next, vm, 0);
      of.booting.set(next, vm, BOOTING.Ours);
      of.cured.set(next, vm, 0);
      of.reboots.raise(next, vm);
      speakFor(model, next, vm);
      of.longWait.set(next, vm, of.everGpu.get(state, vm));
      out.add(REBOOTS, worker, vm, brokenByReboot(model, state, vm));
    }
  },
};

/** The text of a reboot's transition: what a world's `progress` looks for. */
export const REBOOTS = "its call is carried out: the cloud reboots";

/** A request is lost on its way. */
export const requestIsLost: Rule = {
  name: "a request is lost",
  step(model, state, out) {
    for (let worker = 0; worker < model.world.workers; worker += 1) {
      const vm = model.fields.worker.request.get(state, worker) - 1;
      if (vm < 0) continue;
      const next = out.from(state);
      answered(model, next, worker);
      out.add("its call is lost", worker, vm);
    }
  },
};

/**
 * The cloud refuses, and the worker hears it: the VM was surely not rebooted, and the worker releases the window. A
 * refusal that nobody hears is a request that is lost.
 */
export const cloudRefuses: Rule = {
  name: "the cloud refuses",
  appliesTo: ({ world }) => world.releases,
  step(model, state, out) {
    const of = model.fields.worker;
    for (let worker = 0; worker < model.world.workers; worker += 1) {
      const vm = of.request.get(state, worker) - 1;
      if (vm < 0 || of.step.get(state, worker) !== STEP.AwaitAnswer) continue;
      const next = out.from(state);
      // A call that somebody on the way repeated: the second one is refused, the first one is still there.
      if (model.has.refusalIsFinal) answered(model, next, worker);
      of.step.set(next, worker, STEP.ReadToRelease);
      out.add("its call is refused", worker, vm);
    }
  },
};

function answered({ fields: { worker: of } }: Model, next: State, worker: number): void {
  of.request.set(next, worker, 0);
  of.requestAge.set(next, worker, 0);
}
