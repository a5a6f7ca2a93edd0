import { describe, expect, test } from "vitest";
import { clocksOf } from "@node-agent/shared/core/ledger/clocks.ts";
import { GRANT_MAX_WIDTH, grantAfter, grantHolds } from "@node-agent/shared/core/ledger/grant.ts";
import type {
  Ledger,
  LedgerEntry,
  LedgerGrant,
  LedgerOutcome,
} from "@node-agent/shared/core/ledger/ledger.ts";
import { withIntent, withOutcome } from "@node-agent/shared/core/ledger/steps.ts";
import { LEDGER_TIMINGS } from "@node-agent/shared/core/ledger/timings.ts";
import { exceededBudget } from "@node-agent/shared/core/storm/budgets.ts";
import { DEFAULT_STORM_POLICY } from "@node-agent/shared/core/storm/policy.ts";
import { DAY, HOUR, MINUTE } from "@node-agent/shared/core/time.ts";
import { aLedger, anEntry, anIntent, at, NOON, WINDOW, writer } from "./ledger-build.ts";

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
    const grant = { since: NOON + MINUTE, by: "ann", width: 1 };
    const before = settled("StillBad", "StillBad", "StillBad");
    expect(blocked(aLedger(before, { grant }))).toBeUndefined();
    const begun = { outcome: "StillBad", at: NOON + 2 * MINUTE } as const;
    const after = settled(begun, begun, begun);
    expect(blocked(aLedger(after, { grant }))).toBe("Efficacy");
  });
});

describe("a grant", () => {
  const GRANT: LedgerGrant = { since: NOON, by: "ann", width: 1 };
  const widths = (...outcomes: readonly LedgerOutcome[]) => {
    let grant = GRANT;
    return outcomes.map((outcome) => {
      grant = grantAfter(grant, { at: NOON + 1 }, outcome, NOON);
      return grant.width;
    });
  };

  test("widens 1, 2, 4, 8 as each round of cures is complete", () => {
    const cures = Array.from({ length: 15 }, () => "Cured" as const);
    expect(widths(...cures)).toEqual([2, 2, 4, 4, 4, 4, 8, 8, 8, 8, 8, 8, 8, 8, 16]);
  });

  test.each(["StillBad", "NotExecuted"] as const)("begins anew at one after %s", (bad) => {
    expect(widths("Cured", "Cured", "Cured", bad, "Cured", "Cured", "Cured")).toEqual([2, 2, 4, 1, 2, 2, 4]);
  });

  test.each(["Accepted", "Unknown", "NotSent", "Rejected", "Gone"] as const)("%s says nothing", (outcome) => {
    expect(grantAfter(GRANT, { at: NOON + 1 }, outcome, NOON)).toBe(GRANT);
  });

  test("a reboot that began before it says nothing", () => {
    expect(grantAfter(GRANT, { at: NOON }, "Cured", NOON)).toBe(GRANT);
    expect(grantAfter(GRANT, { at: NOON }, "StillBad", NOON)).toBe(GRANT);
  });

  test("keeps who gave it and when, and ends at the widest", () => {
    const wide = { ...GRANT, width: GRANT_MAX_WIDTH, cured: GRANT_MAX_WIDTH - 1 };
    expect(grantAfter(wide, { at: NOON + 1 }, "Cured", NOON + 2)).toEqual({
      ...wide,
      cured: 0,
      renewedAt: NOON + 2,
    });
  });

  test("limits what may be open for as long as it holds, and no longer", () => {
    const open = anEntry({ instanceId: "other", outcome: "Accepted", at: NOON, notBefore: NOON + DAY });
    const asked = (now: number) =>
      exceededBudget({ instanceId: "own" }, aLedger([open], { grant: GRANT }), 100, POLICY, clocksOf([now]));
    expect(asked(NOON + HOUR - 1)?.budget).toBe("Cluster");
    expect(asked(NOON + HOUR)).toBeUndefined();
  });

  test("is prolonged by a cure", () => {
    const renewed = grantAfter(GRANT, { at: NOON + 1 }, "Cured", NOON + 50 * MINUTE);
    expect(grantHolds(renewed, NOON + 110 * MINUTE - 1)).toBe(true);
    expect(grantHolds(renewed, NOON + 110 * MINUTE)).toBe(false);
  });

  test("is led through the ledger: so many may be open at once, 1, 2, 4, as verdicts are written", () => {
    let ledger = aLedger([], { grant: GRANT });
    let made = 0;
    let now = NOON + MINUTE;
    /** Begins as many reboots as are allowed at once. */
    const begin = () => {
      const begun: string[] = [];
      for (; blocked(ledger, now) === undefined; made += 1) {
        const intent = anIntent({ instanceId: `vm-${made}`, token: `t-${made}` });
        ledger = withIntent(ledger, intent, WINDOW, writer(now));
        begun.push(`${made}`);
      }
      return begun;
    };
    const end = (begun: readonly string[], outcome: LedgerOutcome) => {
      for (const id of begun)
        ledger = withOutcome(ledger, `vm-${id}`, `t-${id}`, outcome, writer(now), LEDGER_TIMINGS);
      now += 2 * WINDOW;
    };
    const counts = [];
    for (const outcome of ["Cured", "Cured", "Cured", "StillBad", "Cured"] as const) {
      const begun = begin();
      counts.push(begun.length);
      end(outcome === "StillBad" ? begun.slice(0, 1) : begun, outcome);
    }
    expect(counts).toEqual([1, 2, 4, 8, 1]);
  });
});
