import { describe, expect, test } from "vitest";
import { decodeLedger, encodeLedger } from "@node-agent/shared/contract/ledger-codec.ts";
import { isOpen } from "@node-agent/shared/core/ledger/history.ts";
import { LEDGER_OUTCOMES, type LedgerEntry } from "@node-agent/shared/core/ledger/ledger.ts";
import { withIntent, withOutcome, withRecovery } from "@node-agent/shared/core/ledger/steps.ts";
import { LEDGER_TIMINGS } from "@node-agent/shared/core/ledger/timings.ts";
import { MINUTE } from "@node-agent/shared/core/time.ts";
import { aGrant, aLedger, anEntry, anIntent, at, NOON, WINDOW, writer } from "./ledger-build.ts";

const THEN = NOON + 3 * MINUTE;
const recovery = (entry: LedgerEntry, token = "token-a") =>
  withRecovery(aLedger([entry]), "vm-a", token, writer(THEN));

describe("a node that is well again", () => {
  test("frees its place in the limits, keeps its window, and is no cure yet", () => {
    const before = anEntry();
    const { entries, meta } = recovery(before);
    const entry = entries.get("vm-a")!;
    expect(entry).toEqual({ ...before, seq: 2, recoveredAt: THEN });
    expect(meta.seq).toBe(2);
    expect([isOpen(before, at(THEN)), isOpen(entry, at(THEN))]).toEqual([true, false]);
  });

  test.each(LEDGER_OUTCOMES)("is written beside the outcome %s only while that is open", (outcome) => {
    const open = outcome === "Intent" || outcome === "Accepted" || outcome === "Unknown";
    expect(recovery(anEntry({ outcome })).entries.get("vm-a")?.recoveredAt).toBe(open ? THEN : undefined);
  });

  test("is written once, and not of an intent that a later one replaced", () => {
    const ledger = aLedger([anEntry({ recoveredAt: NOON })]);
    expect(withRecovery(ledger, "vm-a", "token-a", writer(THEN))).toBe(ledger);
    const other = aLedger([anEntry()]);
    expect(withRecovery(other, "vm-a", "another", writer(THEN))).toBe(other);
    expect(withRecovery(other, "vm-x", "token-a", writer(THEN))).toBe(other);
  });

  test("takes its place again with the next repair", () => {
    const again = withIntent(
      aLedger([anEntry({ recoveredAt: THEN })]),
      anIntent({ token: "b" }),
      WINDOW,
      writer(THEN),
    );
    expect(again.entries.get("vm-a")).not.toHaveProperty("recoveredAt");
  });

  test("survives the ConfigMap, and one without it does too", () => {
    for (const entry of [anEntry({ recoveredAt: THEN }), anEntry()]) {
      const back = decodeLedger(encodeLedger(aLedger([entry])));
      expect(back).toMatchObject({ ok: true });
      expect(back.ok && back.ledger.entries.get("vm-a")).toStrictEqual(entry);
    }
  });
});

test("a proof that comes late keeps its place among the results: it does not make repairs help now", () => {
  const unproven = anEntry({ seq: 1, recoveredAt: THEN });
  const ledger = aLedger([unproven, anEntry({ instanceId: "vm-b", seq: 2, outcome: "StillBad" })]);
  const proven = withOutcome(ledger, "vm-a", "token-a", "Cured", writer(THEN), LEDGER_TIMINGS);
  expect(proven.entries.get("vm-a")).toMatchObject({ outcome: "Cured", seq: 1 });
});

describe("a grant", () => {
  const grant = aGrant({ width: 1 });
  const begun = { grant: grant.id };

  test("widens when a node is well again, and not a second time when that is proven", () => {
    const recovered = withRecovery(
      aLedger([anEntry(begun)], { grants: [grant] }),
      "vm-a",
      "token-a",
      writer(THEN),
    );
    expect(recovered.meta.grants).toMatchObject([{ width: 2, until: grant.until }]);
    const proven = withOutcome(recovered, "vm-a", "token-a", "Cured", writer(THEN + 1), LEDGER_TIMINGS);
    expect(proven.meta.grants).toEqual(recovered.meta.grants);
  });

  test("begins again at one when such a node relapses", () => {
    const wide = { ...grant, width: 8 };
    const ledger = aLedger([anEntry({ ...begun, recoveredAt: NOON })], { grants: [wide] });
    const relapsed = withOutcome(ledger, "vm-a", "token-a", "StillBad", writer(THEN), LEDGER_TIMINGS);
    expect(relapsed.meta.grants).toMatchObject([{ width: 1, cured: 0 }]);
  });
});
