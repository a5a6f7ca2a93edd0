import { describe, expect, test } from "vitest";
import type { LedgerEntry, LedgerOutcome } from "@node-agent/shared/core/ledger/ledger.ts";
import { recalled } from "@node-agent/shared/core/recall.ts";
import type { NodeRecord } from "@node-agent/shared/core/record.ts";
import { MINUTE } from "@node-agent/shared/core/time.ts";
import { anEntry } from "./ledger-build.ts";
import { ACTIVE, Timeline } from "./timeline.ts";

/** Redis was flushed: the record of a sick node began anew, and its threshold has passed again. */
function begunAnew(): Timeline {
  const life = new Timeline();
  life.judge({ NodeReady: "Fail" });
  return life.pass(5 * MINUTE);
}

/** The ledger knows a reboot of before the flush whose window ended when the record began. */
const known = (life: Timeline, over: Partial<LedgerEntry> = {}): LedgerEntry => {
  const began = life.record.firstSeenAt;
  return anEntry({ at: began - 11 * MINUTE, notBefore: began, attempt: 2, outcome: "StillBad", ...over });
};
const recall = (life: Timeline, entry: LedgerEntry | undefined): NodeRecord | undefined =>
  recalled(life.record, entry, life.policy, life);

describe("a reboot that the ledger knows and the record does not", () => {
  test("counts as an attempt of the incident that nobody saw interrupted", () => {
    const life = begunAnew();
    expect(recall(life, known(life))).toMatchObject({
      phase: "Unhealthy",
      incident: { attempts: 2 },
      lastReboot: { number: 2, outcome: "Accepted", verification: "StillBad" },
    });
  });

  test("gives the node up when it was the last one allowed", () => {
    const life = begunAnew();
    expect(recall(life, known(life, { attempt: ACTIVE.maxAttempts }))?.phase).toBe("Failed");
  });

  test("brings its wait back, and what must still be told", () => {
    const life = begunAnew();
    const until = life.now + MINUTE;
    for (const outcome of ["Intent", "Accepted", "Unknown"] as const) {
      const entry = known(life, { outcome, notBefore: until, bootIdBefore: "boot-0" });
      expect(recall(life, entry)).toMatchObject({
        phase: "WaitingReboot",
        lastReboot: { token: entry.token, outcome, waitUntil: until, bootIdBefore: "boot-0" },
      });
      expect(recall(life, entry)?.lastReboot).not.toHaveProperty("verification");
    }
  });

  test("that was not proven to be a cure counts for an incident that began before it could be", () => {
    const life = new Timeline();
    life.judge();
    life.pass(MINUTE).judge({ NodeReady: "Fail" });
    life.pass(5 * MINUTE);
    const recoveredAt = life.record.firstSeenAt - 5 * MINUTE;
    const unproven = known(life, { outcome: "Accepted", recoveredAt });
    expect(recall(life, unproven)).toMatchObject({ incident: { attempts: 2 }, lastReboot: { recoveredAt } });
    const long = known(life, { outcome: "Accepted", recoveredAt: recoveredAt - 30 * MINUTE });
    expect(recall(life, long)).toMatchObject({ incident: { attempts: 0 } });
    expect(recall(life, { ...unproven, outcome: "Cured" })).toMatchObject({ incident: { attempts: 0 } });
  });

  test("of an incident that began after it counts no attempt: the node was seen well in between", () => {
    const life = new Timeline();
    life.judge();
    life.pass(MINUTE).judge({ NodeReady: "Fail" });
    life.pass(5 * MINUTE);
    expect(recall(life, known(life))).toMatchObject({ incident: { attempts: 0 } });
  });

  test("counts as an attempt of a relapse within its window, cured or not", () => {
    const life = new Timeline();
    life.judge();
    life.pass(MINUTE).judge({ NodeReady: "Fail" });
    life.pass(5 * MINUTE);
    const open = { notBefore: life.now + MINUTE } as const;
    expect(recall(life, known(life, { ...open, outcome: "Cured" }))).toMatchObject({
      incident: { attempts: 2 },
    });
  });

  test("that cured, or of a node that was gone, counts no attempt", () => {
    const life = begunAnew();
    for (const outcome of ["Cured", "Gone"] as const) {
      expect(recall(life, known(life, { outcome }))).toMatchObject({ incident: { attempts: 0 } });
    }
  });

  test.each<LedgerOutcome>(["NotSent", "Rejected"])(
    "that was surely not done (%s) waits for nothing",
    (outcome) => {
      const life = begunAnew();
      const entry = known(life, { outcome, attempt: 1, notBefore: life.now + MINUTE });
      expect(recall(life, entry)).toMatchObject({ phase: "Unhealthy", incident: { attempts: 1 } });
    },
  );

  test("replaces what damaged bytes were taken for, and keeps the longer wait", () => {
    const life = begunAnew();
    const waitUntil = life.now + 40 * MINUTE;
    const lastReboot = { ...known(life), token: "damaged", incidentId: "", number: 0, intendedAt: life.now };
    const detail = { outcome: "Unknown", detail: "", waitUntil } as const;
    life.record = { ...life.record, lastReboot: { ...lastReboot, ...detail } };
    expect(recall(life, known(life))).toMatchObject({ lastReboot: { waitUntil }, incident: { attempts: 2 } });
  });

  test("changes nothing where the record knows it, or a later one, or there is none", () => {
    const life = begunAnew();
    expect(recall(life, undefined)).toBeUndefined();
    const entry = known(life);
    const once = recall(life, entry);
    life.record = once ?? life.record;
    expect(recall(life, entry)).toBeUndefined();
    expect(recall(life, { ...entry, token: "older", at: entry.at - 1 })).toBeUndefined();
    expect(recall(life, { ...entry, token: "newer", at: entry.at + 1 })).toBeDefined();
  });
});
