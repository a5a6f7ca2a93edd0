import { describe, expect, test } from "vitest";
import { decodeLedger, encodeLedger } from "@node-agent/shared/contract/ledger-codec.ts";
import { LEDGER_OUTCOMES, type LedgerEntry } from "@node-agent/shared/core/ledger/ledger.ts";
import { withIntent, withOutcome, withRecovery } from "@node-agent/shared/core/ledger/steps.ts";
import { LEDGER_TIMINGS } from "@node-agent/shared/core/ledger/timings.ts";
import { efficacyExceeded, isOpen } from "@node-agent/shared/core/storm/budgets.ts";
import { DEFAULT_STORM_POLICY } from "@node-agent/shared/core/storm/policy.ts";
import { MINUTE } from "@node-agent/shared/core/time.ts";
import { aGrant, aLedger, anEntry, anIntent, at, NOON, WINDOW, writer } from "./ledger-build.ts";

const THEN = NOON + 3 * MINUTE;
const recovery = (entry: LedgerEntry, token = "token-a") =>
  withRecovery(aLedger([entry]), "vm-a", token, writer(THEN));

describe("a node that is well again", () => {
  test("frees its place in the budgets, keeps its window, and is no cure yet", () => {
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

const vm = (n: number, over: Partial<LedgerEntry>) => anEntry({ instanceId: `vm-${n}`, seq: n, ...over });
const exceeded = (...entries: LedgerEntry[]) =>
  efficacyExceeded(aLedger(entries), DEFAULT_STORM_POLICY)?.budget;
const bad = { outcome: "StillBad" } as const;
const unproven = { outcome: "Accepted", recoveredAt: THEN } as const;

describe("a repair that is not proven yet", () => {
  test("ends the row of those that cured nothing: it is not known, so nobody can say that it helped nothing", () => {
    expect(exceeded(vm(1, bad), vm(2, bad), vm(3, bad))).toBe("Efficacy");
    expect(exceeded(vm(1, bad), vm(2, unproven), vm(3, bad), vm(4, bad))).toBeUndefined();
  });

  test("opens the guard no more than a cure does: three after it stop the next", () => {
    expect(exceeded(vm(1, unproven), vm(2, bad), vm(3, bad), vm(4, bad))).toBe("Efficacy");
  });

  test("counts in the row from its relapse on", () => {
    const ledger = aLedger([vm(1, bad), vm(2, bad), vm(3, { ...unproven, token: "t" })]);
    const relapsed = withOutcome(ledger, "vm-3", "t", "StillBad", writer(THEN), LEDGER_TIMINGS);
    expect(efficacyExceeded(relapsed, DEFAULT_STORM_POLICY)?.budget).toBe("Efficacy");
  });

  test("that is proven late keeps its place in the row: it does not open a guard that closed after it", () => {
    const entries = [vm(1, { ...unproven, token: "t" }), vm(2, bad), vm(3, bad), vm(4, bad)];
    const proven = withOutcome(aLedger(entries), "vm-1", "t", "Cured", writer(THEN), LEDGER_TIMINGS);
    expect(proven.entries.get("vm-1")).toMatchObject({ outcome: "Cured", seq: 1 });
    expect(efficacyExceeded(proven, DEFAULT_STORM_POLICY)?.budget).toBe("Efficacy");
  });
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
