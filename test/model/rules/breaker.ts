/**
 * The breaker holds all repairs while many failures are young, and an operator's grant lets some of them go on (decision
 * 25). How long a failure is young, and how long a grant lasts, is left open: both end at any time.
 */
import type { State } from "../layout.ts";
import { newVersion, type Model } from "../model.ts";
import type { Rule } from "./rule.ts";

/** Whether so many nodes fail, and not for long, that no failure stands alone. */
export function isBreakerOpen({ world, fields: { vm: of } }: Model, state: State): boolean {
  if (world.breaker === 0) return false;
  let young = 0;
  for (let vm = 0; vm < world.vms; vm += 1) young += of.young.get(state, vm);
  return young >= world.breaker;
}

/** Keeps the time for which the breaker has been open without a grant: at the very moment it is not, that time is over. */
export function noteBreaker(model: Model, next: State): void {
  const { sinceOpen, grantLeft } = model.fields.shared;
  if (!isBreakerOpen(model, next) || grantLeft.get(next) > 0) sinceOpen.set(next, 0, 0);
}

/** A failure that lasts is no sign of an event any more. */
export const failureAges: Rule = {
  name: "a failure is not young any more",
  appliesTo: ({ world }) => world.breaker > 0,
  step(model, state, out) {
    const of = model.fields.vm;
    for (let vm = 0; vm < model.world.vms; vm += 1) {
      if (of.young.get(state, vm) === 0) continue;
      const next = out.from(state);
      of.young.set(next, vm, 0);
      noteBreaker(model, next);
      out.add("has failed for long: the breaker does not count it any more", -1, vm);
    }
  },
};

/** An operator lets a number of repairs go on. It is a write to the ledger, and no sign of life. */
export const grantIsGiven: Rule = {
  name: "an operator grants repairs",
  appliesTo: ({ world }) => world.grant > 0,
  step(model, state, out) {
    const { world, fields } = model;
    const { shared } = fields;
    if (shared.grantLeft.get(state) > 0) return;
    const next = out.from(state);
    newVersion(model, next);
    shared.grantLeft.set(next, 0, world.grant);
    shared.begun.set(next, 0, 0);
    noteBreaker(model, next);
    out.add("an operator grants repairs against the breaker");
  },
};

/** A grant ends by its time, which no worker in the middle of a transaction need notice. */
export const grantEnds: Rule = {
  name: "a grant ends",
  appliesTo: ({ world }) => world.grant > 0,
  step({ fields: { shared } }, state, out) {
    if (shared.grantLeft.get(state) === 0) return;
    const next = out.from(state);
    shared.grantLeft.set(next, 0, 0);
    out.add("the time of the grant is over");
  },
};

/** One repair of the grant is used; `begun` counts the same for the promise, whatever the ledger says. */
export function useGrant({ fields: { worker: of, shared }, has }: Model, next: State, worker: number): void {
  if (has.grantCountedWithIntent) shared.grantLeft.lower(next);
  if (of.granted.get(next, worker) === 1) shared.begun.raise(next);
}
