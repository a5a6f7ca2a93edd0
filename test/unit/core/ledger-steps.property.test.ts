import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeLedger, encodeLedger } from "@node-agent/shared/contract/ledger-codec.ts";
import { clocksOf, type Clocks } from "@node-agent/shared/core/ledger/clocks.ts";
import { rebootsOf } from "@node-agent/shared/core/ledger/history.ts";
import type { Ledger, LedgerEntry, LedgerOutcome } from "@node-agent/shared/core/ledger/ledger.ts";
import { pruned } from "@node-agent/shared/core/ledger/steps.ts";
import { LEDGER_TIMINGS } from "@node-agent/shared/core/ledger/timings.ts";
import { Limits, UNCOUNTED, type LimitRules } from "@node-agent/shared/core/storm/limits.ts";
import { DAY } from "@node-agent/shared/core/time.ts";
import { heldBy, limitsOfCounts } from "../../support/limits.ts";
import { aLedger, anyClocks, anyWrite, applied, NOON, WINDOW, type Write } from "./ledger-build.ts";

interface Moment {
  readonly before: Ledger;
  readonly after: Ledger;
  readonly write: Write;
  readonly clocks: Clocks;
}

/** In any history of writes, each at clocks that may be apart, nothing is found that `findings` looks for. */
function expectNever(findings: (moment: Moment) => readonly unknown[], numRuns = 500): void {
  fc.assert(
    fc.property(fc.array(fc.tuple(anyWrite, anyClocks), { maxLength: 30 }), (history) => {
      let now = NOON;
      let ledger = aLedger();
      for (const [unique, [write, { passes, skews }]] of history.entries()) {
        now += passes;
        const clocks = clocksOf(skews.map((skew) => now + skew));
        const after = applied(ledger, write, clocks, unique);
        expect(findings({ before: ledger, after, write, clocks })).toEqual([]);
        ledger = after;
      }
    }),
    { numRuns },
  );
}

/** Each VM that was known before, then and now. */
function pairs({ before, after }: Moment): { id: string; old: LedgerEntry; now: LedgerEntry }[] {
  return [...before.entries].map(([id, old]) => ({ id, old, now: after.entries.get(id)! }));
}

const CERTAINLY_NOT = new Set<LedgerOutcome>(["NotSent", "Rejected"]);
const VERDICTS = new Set<LedgerOutcome>(["Cured", "StillBad", "NotExecuted", "Gone"]);

/** What one outcome may become by the next write of the same intent. */
function mayBecome(old: LedgerOutcome, now: LedgerOutcome): boolean {
  if (old === now) return true;
  if (old === "Intent") return true;
  return (old === "Accepted" || old === "Unknown") && VERDICTS.has(now);
}

/** Every rate and the cure rate at this limit. */
function limitedTo(limit: number): LimitRules {
  const cureRate = { latest: 10, minimum: limit, slowBelow: 50, stopBelow: 50 };
  return { limits: limitsOfCounts({}, { rate: limit, nodePerDay: limit }), cureRate };
}

describe("whatever is written to the ledger", () => {
  test("each write raises seq by exactly one, and nothing written leaves it as it is", () => {
    expectNever(({ before, after }) => {
      const raised = after.meta.seq - before.meta.seq;
      return raised === (after === before ? 0 : 1) ? [] : [raised];
    });
  });

  test("the entry that was written carries the new seq: a fencing token that only rises", () => {
    expectNever(({ before, after }) =>
      [...after.entries].filter(
        ([id, entry]) => entry !== before.entries.get(id) && entry.seq !== after.meta.seq,
      ),
    );
  });

  test("no window shrinks, except when the holder of an open intent says that surely nothing was done", () => {
    expectNever((moment) =>
      pairs(moment).filter(({ old, now }) => {
        const told = moment.write.write === "outcome" && moment.write.token === "own";
        const allowed =
          told && old.outcome === "Intent" && CERTAINLY_NOT.has(now.outcome) && now.token === old.token;
        return now.notBefore < old.notBefore && !allowed;
      }),
    );
  });

  test("an intent keeps the VM for the whole window, counted from the latest clock", () => {
    expectNever(({ after, write, clocks }) => {
      if (write.write !== "intent") return [];
      const entry = after.entries.get(`vm-${write.vm}`);
      return (entry?.notBefore ?? 0) >= clocks.latest + WINDOW ? [] : [entry];
    });
  });

  test("within one intent outcomes only go on: answered once, verified once, never back to the intent", () => {
    expectNever((moment) =>
      pairs(moment).filter(({ old, now }) => old.token === now.token && !mayBecome(old.outcome, now.outcome)),
    );
  });

  test("a stranger's token changes nothing", () => {
    expectNever(({ before, after, write }) =>
      write.write === "outcome" && write.token === "other" && after !== before ? [after] : [],
    );
  });

  test("GPUs, once seen, stay", () => {
    expectNever((moment) => pairs(moment).filter(({ old, now }) => old.gpu && !now.gpu));
  });

  test("every reboot of the last day is remembered, but for a call that surely was not made", () => {
    expectNever((moment) =>
      pairs(moment).filter(({ old, now }) => {
        const remembered = rebootsOf(now);
        const lost = rebootsOf(old).filter(
          (one) => one > moment.clocks.earliest - DAY && !remembered.includes(one),
        );
        const takenBack = lost.length === 1 && lost[0] === old.at && CERTAINLY_NOT.has(now.outcome);
        return lost.length > 0 && !takenBack;
      }),
    );
  });

  test("pruning forgets nothing that a window, a limit or the cure rate asks for", () => {
    const policies = [1, 2, 10].map((limit) => limitedTo(limit));
    const asking = { checkers: ["GPU"], checker: "GPU" } as const;
    expectNever(({ after, clocks }) => {
      const kept = pruned(after, clocks, { keep: 1 });
      const answers = (ledger: Ledger) =>
        policies.flatMap((policy) => [
          heldBy(new Limits(ledger, UNCOUNTED, policy, clocks), { ...asking, instanceId: "vm-0" }),
          heldBy(new Limits(ledger, UNCOUNTED, policy, clocks), { ...asking, instanceId: "vm-9" }),
        ]);
      expect(answers(kept)).toEqual(answers(after));
      return [...after.entries].filter(
        ([id, entry]) => entry.notBefore > clocks.earliest && kept.entries.get(id) !== entry,
      );
    });
  });

  test("it can be stored and read back, the same", () => {
    expectNever(({ after }) => {
      const back = decodeLedger(encodeLedger(after));
      expect(back).toEqual({ ok: true, ledger: after });
      return [];
    }, 200);
  });

  test("what was read is never changed in place", () => {
    expectNever(({ before, write, clocks }) => {
      const frozen = structuredClone(before);
      applied(before, write, clocks, 99);
      pruned(before, clocks, LEDGER_TIMINGS);
      expect(before).toEqual(frozen);
      return [];
    }, 200);
  });
});
