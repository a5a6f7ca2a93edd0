/** What operators order. Each order is a write to the ledger, and none is a sign of life. */
import type { State } from "../layout.ts";
import { newVersion, type Model } from "../model.ts";
import { STEP } from "../state.ts";
import type { Rule } from "./rule.ts";

/** A pause of all repairs begins or ends. */
export const pauseIsOrdered: Rule = {
  name: "an operator pauses repairs",
  appliesTo: ({ world }) => world.pauses,
  step(model, state, out) {
    const { shared } = model.fields;
    const next = out.from(state);
    const begins = shared.pauseOrdered.get(state) === 0;
    if (model.has.pauseIsWrite) newVersion(model, next);
    for (const field of [shared.pauseOrdered, shared.paused]) field.set(next, 0, begins ? 1 : 0);
    out.add(begins ? "an operator pauses all repairs" : "an operator ends the pause");
  },
};

/** `ledger trust`: a person who looked, and knows that no repair is missing, ends the quarantine. */
export const trustIsGiven: Rule = {
  name: "an operator trusts the ledger",
  appliesTo: ({ world }) => world.trust,
  step(model, state, out) {
    const { shared } = model.fields;
    if (shared.quarantine.get(state) === 0 || !isComplete(model, state)) return;
    const next = out.from(state);
    newVersion(model, next);
    shared.quarantine.set(next, 0, 0);
    shared.vouched.set(next, 0, 1);
    out.add("an operator ends the quarantine: no repair is missing");
  },
};

/** Every reboot within its wait has its window in the ledger, and no call is on its way or about to be made. */
function isComplete({ world, fields: { vm, worker } }: Model, state: State): boolean {
  for (let row = 0; row < world.vms; row += 1) {
    const left = vm.sinceReboot.max - vm.sinceReboot.get(state, row);
    if (vm.notBefore.get(state, row) < left) return false;
  }
  for (let row = 0; row < world.workers; row += 1) {
    const step = worker.step.get(state, row);
    if (step === STEP.Send || step === STEP.AboutToSend || worker.request.get(state, row) > 0) return false;
  }
  return true;
}

/** An order that changes no repair: what counts is that it is a write, and no sign of life. */
export const orderIsGiven: Rule = {
  name: "an operator gives an order",
  appliesTo: ({ world }) => world.restore !== "Never",
  step(model, state, out) {
    const next = out.from(state);
    newVersion(model, next);
    if (!model.has.orderIsNoBeat) model.fields.shared.sinceBeat.set(next, 0, 0);
    out.add("an operator gives an order");
  },
};
