/** A worker believes a silent ledger in the model exactly when it does so in the product. */
import { emptyLedger } from "@node-agent/shared/core/ledger/steps.ts";
import { LEDGER_TIMINGS } from "@node-agent/shared/core/ledger/timings.ts";
import { distrustOf } from "@node-agent/shared/core/ledger/trust.ts";
import { describe, expect, test } from "vitest";
import { SMALL_WORLDS } from "./configurations.ts";
import { initialState } from "./fields.ts";
import { modelOf } from "./model.ts";
import { isBelieved } from "./rules/gates.ts";

const NOW = 1_800_000_000_000;
const { heartbeatMaxAge: AGE } = LEDGER_TIMINGS;
const WINDOW = 60_000;

/** When a worker saw the ledger last, and when it was written to: it is silent in all of them. */
const SIGHTS = [
  { at: NOW - AGE / 2, heartbeatAt: NOW - 2 * AGE, isRecent: true, inSight: true },
  { at: NOW - 2 * AGE, heartbeatAt: NOW - 1.5 * AGE, isRecent: false, inSight: true },
  { at: NOW - 4 * AGE, heartbeatAt: NOW - 1.5 * AGE, isRecent: false, inSight: false },
];

interface Case {
  readonly known: number;
  readonly seq: number;
  readonly shared: number;
  readonly sight: (typeof SIGHTS)[number];
}

function productBelieves({ known, seq, shared, sight }: Case): boolean {
  const empty = emptyLedger("cluster", "worker", sight.heartbeatAt);
  const ledger = { ...empty, meta: { ...empty.meta, seq } };
  const seen = known === 0 ? {} : { known: { seq: known, at: sight.at } };
  const memory = { seqHighWater: Math.max(shared, known), shared, ...seen };
  const clocks = { earliest: NOW, latest: NOW };
  return distrustOf(ledger, NOW - 100 * AGE, memory, clocks, WINDOW, LEDGER_TIMINGS) === undefined;
}

function modelBelieves({ known, seq, shared: remembered, sight }: Case): boolean {
  const model = modelOf(SMALL_WORLDS.memory);
  const { worker, shared } = model.fields;
  const state = initialState(model.fields);
  shared.sinceBeat.set(state, 0, shared.sinceBeat.max);
  shared.sequence.set(state, 0, seq);
  shared.sharedSequence.set(state, 0, remembered);
  worker.known.set(state, 0, known);
  worker.knownAge.set(state, 0, sight.isRecent ? 0 : worker.knownAge.max);
  worker.inSight.set(state, 0, sight.inSight ? 1 : 0);
  return isBelieved(model, state, 0);
}

describe("the rule `isBelieved`, in the product", () => {
  const numbers = [0, 1, 2, 3];
  const cases = numbers.flatMap((known) =>
    numbers
      .slice(1)
      .flatMap((seq) =>
        numbers.flatMap((shared) => SIGHTS.map((sight): Case => ({ known, seq, shared, sight }))),
      ),
  );

  test.each(cases)("known $known, ledger $seq, Redis $shared, $sight", (one) => {
    expect(modelBelieves(one)).toBe(productBelieves(one));
  });

  test("some of them are believed", () => {
    expect(cases.filter(productBelieves).length).toBeGreaterThan(0);
  });
});
