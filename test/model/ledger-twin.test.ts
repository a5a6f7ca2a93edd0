/** The model's writes of the ledger are those of the product: what it proves would be worthless otherwise. */
import { LEDGER_OUTCOMES, type Ledger, type LedgerOutcome } from "@node-agent/shared/core/ledger/ledger.ts";
import { emptyLedger, withIntent, withOutcome, withRecovery } from "@node-agent/shared/core/ledger/steps.ts";
import { grantFor, newGrant, withGrant } from "@node-agent/shared/core/ledger/grant.ts";
import { isOpen } from "@node-agent/shared/core/ledger/history.ts";
import { LEDGER_TIMINGS, windowOf } from "@node-agent/shared/core/ledger/timings.ts";
import { describe, expect, test } from "vitest";

const NOW = 1_800_000_000_000;
const WINDOW = windowOf(600_000, LEDGER_TIMINGS);
const RELEASES: ReadonlySet<LedgerOutcome> = new Set(["NotSent", "Rejected"]);
const writer = (now: number) => ({ by: "worker", clocks: { earliest: now, latest: now } });

function intended(ledger: Ledger, token: string, now: number, gpu = false): Ledger {
  const intent = { instanceId: "vm", node: "node", attempt: 1, token, gpu };
  return withIntent(ledger, intent, WINDOW, writer(now));
}

/** A ledger whose entry has this outcome, written by the intent with the token `mine`. */
function ledgerWith(outcome: LedgerOutcome): Ledger {
  const ledger = intended(emptyLedger("cluster", "worker", NOW), "mine", NOW);
  const entry = ledger.entries.get("vm");
  if (entry === undefined) throw new Error("The intent is not there");
  return { ...ledger, entries: new Map([["vm", { ...entry, outcome }]]) };
}

function notBefore(ledger: Ledger): number | undefined {
  return ledger.entries.get("vm")?.notBefore;
}

describe("the rules `mayRelease` and `settle`, in the product", () => {
  const later = NOW + 20_000;
  const cases = LEDGER_OUTCOMES.flatMap((before) =>
    LEDGER_OUTCOMES.flatMap((after) => ["mine", "another"].map((token) => ({ before, after, token }))),
  );

  test.each(cases)("$after after $before, with the token of $token", ({ before, after, token }) => {
    const ledger = ledgerWith(before);
    const next = withOutcome(ledger, "vm", token, after, writer(later), LEDGER_TIMINGS);
    const released = token === "mine" && before === "Intent" && RELEASES.has(after);
    expect(notBefore(next)).toBe(released ? later + LEDGER_TIMINGS.cooldown : notBefore(ledger));
    expect(next === ledger || next.entries.get("vm")?.outcome === after).toBe(true);
  });
});

describe("the model's cured, which frees the place, is two writes in the product", () => {
  const later = NOW + 60_000;

  test.each(LEDGER_OUTCOMES)(
    "the recovery after %s changes no window, and frees an open entry only",
    (before) => {
      const ledger = ledgerWith(before);
      const next = withRecovery(ledger, "vm", "mine", writer(later));
      const wasOpen = before === "Intent" || before === "Accepted" || before === "Unknown";
      expect(notBefore(next)).toBe(notBefore(ledger));
      expect(next === ledger).toBe(!wasOpen);
      const entry = next.entries.get("vm");
      const counts = before !== "Cured" && before !== "StillBad" && !RELEASES.has(before);
      expect(entry !== undefined && isOpen(entry, { earliest: later, latest: later })).toBe(
        counts && !wasOpen,
      );
    },
  );

  test("with the token of another it changes nothing", () => {
    const ledger = ledgerWith("Intent");
    expect(withRecovery(ledger, "vm", "another", writer(later))).toBe(ledger);
  });
});

describe("the rules `proveNoBoot` and `release`, in the product: an attempt is given back", () => {
  const givenBack: ReadonlySet<LedgerOutcome> = new Set(["NotSent", "Rejected", "NotExecuted"]);

  test.each(LEDGER_OUTCOMES.filter((outcome) => outcome !== "Intent"))("by %s, or not", (outcome) => {
    const next = withOutcome(ledgerWith("Intent"), "vm", "mine", outcome, writer(NOW + 1), LEDGER_TIMINGS);
    expect(next.entries.get("vm")?.attempt).toBe(givenBack.has(outcome) ? 0 : 1);
  });
});

test("the rule `useGrant`, in the product: the intent itself counts as one of the grant's repairs", () => {
  const order = { id: "grant", by: "operator", reason: "looked", count: 1, lasts: 3_600_000 };
  const granted = withGrant(emptyLedger("cluster", "worker", NOW), newGrant(order, NOW));
  const used = intended(granted, "mine", NOW + 1);
  expect(used.entries.get("vm")?.grant).toBe("grant");
  expect(used.meta.grants?.map(({ used: count }) => count)).toStrictEqual([1]);
  expect(grantFor(used.meta, { checkers: [] }, NOW + 2)).toBeUndefined();
});

test("the rule `grantIsGiven`, in the product: an order is no sign of life", () => {
  const ledger = emptyLedger("cluster", "worker", NOW);
  const order = { id: "grant", by: "operator", reason: "looked", lasts: 3_600_000 };
  const { meta } = withGrant(ledger, newGrant(order, NOW + 60_000));
  expect([meta.seq, meta.heartbeatAt]).toStrictEqual([ledger.meta.seq, ledger.meta.heartbeatAt]);
});

test("an intent takes over the entry: the token of the one before releases nothing any more", () => {
  const first = intended(emptyLedger("cluster", "worker", NOW), "first", NOW);
  const second = intended(first, "second", NOW + WINDOW);
  expect(withOutcome(second, "vm", "first", "NotSent", writer(NOW + WINDOW + 1), LEDGER_TIMINGS)).toBe(
    second,
  );
});

test("an intent never shortens a window, and never forgets that the VM has GPUs", () => {
  const first = intended(emptyLedger("cluster", "worker", NOW), "first", NOW, true);
  const early = intended(first, "second", NOW - WINDOW);
  expect(notBefore(early)).toBe(notBefore(first));
  expect(early.entries.get("vm")?.gpu).toBe(true);
});

test("a window covers the wait and all that may pass between stamp and execution", () => {
  const { sendDeadline, callDeadline, clockSkew, margin } = LEDGER_TIMINGS;
  expect(WINDOW).toBe(600_000 + sendDeadline + callDeadline + clockSkew + margin);
});
