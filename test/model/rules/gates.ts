/** What the ledger gates of the processes do beside repairs, and what may become of their memory (decision 24). */
import type { State } from "../layout.ts";
import { forgetLedger, know, raiseSequence, setShared, vouches, wentBack } from "../memory.ts";
import { goIdle, newVersion, type Model } from "../model.ts";
import type { Rule } from "./rule.ts";
import { isSilent } from "./store.ts";

const isRemembered = ({ world }: Model): boolean => world.memory;

/** Whether a process may build on the ledger, but for its quarantine: it did not go back, and it is not silent, or this process vouches for it. */
export function isBelieved(model: Model, state: State, worker: number): boolean {
  if (!model.world.memory) return !model.has.silenceQuarantines || !isSilent(model, state);
  if (wentBack(model, state, worker)) return false;
  return !isSilent(model, state) || vouches(model, state, worker);
}

/** Each process looks at the ledger and gives a sign of life; over one that it doubts that is a quarantine. */
export const gateLooks: Rule = {
  name: "a process looks at the ledger",
  appliesTo: isRemembered,
  step(model, state, out) {
    const { shared } = model.fields;
    for (let worker = 0; worker < model.world.workers; worker += 1) {
      const believed = isBelieved(model, state, worker);
      if (believed && !justLooked(model, state, worker)) {
        const looked = out.from(state);
        know(model, looked, worker);
        out.add("looks at the ledger", worker);
      }
      const next = out.from(state);
      newVersion(model, next);
      if (!believed) shared.quarantine.set(next, 0, model.quarantine);
      shared.sinceBeat.set(next, 0, 0);
      raiseSequence(model, next, worker, 0, !believed);
      out.add(believed ? "gives a sign of life" : "doubts the ledger, and writes a quarantine", worker);
    }
  },
};

/** Another look would change nothing. */
function justLooked({ fields: { worker: of, shared } }: Model, state: State, worker: number): boolean {
  const sequence = shared.sequence.get(state);
  if (of.known.get(state, worker) !== sequence || shared.sharedSequence.get(state) < sequence) return false;
  return of.knownAge.get(state, worker) === 0 && of.inSight.get(state, worker) === 1;
}

/** `watch`: while Redis cannot be asked a process looks at the ledger all the same, and compares its number alone. */
export const gateWatches: Rule = {
  name: "a process looks without Redis",
  appliesTo: isRemembered,
  step(model, state, out) {
    const { world, fields } = model;
    const { worker: of, shared } = fields;
    for (let worker = 0; worker < world.workers; worker += 1) {
      const known = of.known.get(state, worker);
      if (known === 0 || (world.recreation && of.sameObject.get(state, worker) === 0)) continue;
      if (justLooked(model, state, worker)) continue;
      const unbroken = of.knownAge.get(state, worker) <= world.heartbeatMaxAge;
      if (!unbroken || shared.sequence.get(state) < known) continue;
      const next = out.from(state);
      know(model, next, worker, 0, false);
      out.add("looks at the ledger without Redis", worker);
    }
  },
};

/** A process is started again, and remembers nothing. */
export const processRestarts: Rule = {
  name: "a process restarts",
  appliesTo: isRemembered,
  step(model, state, out) {
    for (let worker = 0; worker < model.world.workers; worker += 1) {
      if (model.fields.worker.known.get(state, worker) === 0) continue;
      const next = out.from(state);
      goIdle(model, next, worker);
      forgetLedger(model, next, worker);
      out.add("is started again, without its memory", worker);
    }
  },
};

/** Redis loses its data. */
export const redisForgets: Rule = {
  name: "Redis forgets the number",
  appliesTo: isRemembered,
  step(model, state, out) {
    if (model.fields.shared.sharedSequence.get(state) === 0) return;
    const next = out.from(state);
    setShared(model, next, "Nothing");
    out.add("Redis loses its data");
  },
};
