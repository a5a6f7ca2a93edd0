import { describe, expect, test } from "vitest";
import type { Ledger, LedgerEntry, LedgerOutcome } from "@node-agent/shared/core/ledger/ledger.ts";
import { exceededBudget } from "@node-agent/shared/core/storm/budgets.ts";
import { DEFAULT_STORM_POLICY } from "@node-agent/shared/core/storm/policy.ts";
import { HOUR, MINUTE } from "@node-agent/shared/core/time.ts";
import { aGrant, aLedger, anEntry, at, NOON } from "./ledger-build.ts";

const { budgets } = DEFAULT_STORM_POLICY;
const POLICY = {
  ...DEFAULT_STORM_POLICY,
  budgets: {
    ...budgets,
    pool: 99,
    zone: 99,
    cluster: 99,
    clusterPercent: 100,
    perHour: 99,
    perDay: 99,
    spacing: 0,
  },
};
/** Settled reboots, the earliest first; a bare outcome is of a VM of its own. */
const settled = (...outcomes: readonly (LedgerOutcome | Partial<LedgerEntry>)[]) =>
  outcomes.map((one, i) =>
    anEntry({
      instanceId: `vm-${i}`,
      seq: i + 1,
      notBefore: NOON,
      ...(typeof one === "string" ? { outcome: one } : one),
    }),
  );
const blocked = (ledger: Ledger, now = NOON + HOUR) =>
  exceededBudget({ instanceId: "vm-x" }, ledger, 500, POLICY, at(now))?.budget;

describe("reboots that do not help (G5)", () => {
  test.each<[string, readonly (LedgerOutcome | Partial<LedgerEntry>)[], boolean]>([
    ["two", ["StillBad", "StillBad"], false],
    ["three of different VMs", ["StillBad", "NotExecuted", "StillBad"], true],
    ["three with a cure among them", ["StillBad", "Cured", "StillBad"], false],
    ["three after a cure", ["Cured", "StillBad", "StillBad", "StillBad"], true],
    ["three before a cure", ["StillBad", "StillBad", "StillBad", "Cured"], false],
    ["two, and one whose answer is still awaited", ["StillBad", "StillBad", "Accepted"], false],
    ["two, and calls that were never made", ["StillBad", "StillBad", "NotSent", "Rejected"], false],
    ["two, and a node that is gone", ["StillBad", "StillBad", "Gone"], false],
  ])("%s: %j stop the next: %s", (_, outcomes, stop) => {
    expect(blocked(aLedger(settled(...outcomes)))).toBe(stop ? "Efficacy" : undefined);
  });

  test("the same VM three times is one VM", () => {
    const [one] = settled({ outcome: "StillBad", earlier: [NOON - HOUR, NOON - 2 * HOUR], attempt: 3 });
    expect(blocked(aLedger([one!]))).toBeUndefined();
  });

  test("only an operator can change it: no time is named", () => {
    const ledger = aLedger(settled("StillBad", "StillBad", "StillBad"));
    expect(exceededBudget({ instanceId: "vm-x" }, ledger, 500, POLICY, at(NOON + HOUR))).toEqual({
      budget: "Efficacy",
      why: "the latest 3 reboots cured nothing; an operator must grant more",
    });
    expect(blocked(ledger, NOON + 365 * 24 * HOUR)).toBe("Efficacy");
  });

  test("the order of verdicts counts, not that of intents", () => {
    const [a, b, c] = settled("StillBad", "StillBad", "StillBad");
    const cured = { ...a!, instanceId: "vm-early", at: NOON - HOUR, seq: 9, outcome: "Cured" as const };
    expect(blocked(aLedger([a!, b!, c!, cured]))).toBeUndefined();
  });

  test("what began before a grant is forgiven, what began after it counts anew", () => {
    const grants = [aGrant({ since: NOON + MINUTE })];
    const before = settled("StillBad", "StillBad", "StillBad");
    expect(blocked(aLedger(before, { grants }))).toBeUndefined();
    const begun = { outcome: "StillBad", at: NOON + 2 * MINUTE } as const;
    const after = settled(begun, begun, begun);
    expect(blocked(aLedger(after, { grants }))).toBe("Efficacy");
  });
});
