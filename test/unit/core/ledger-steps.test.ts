import { describe, expect, test } from "vitest";
import { clocksOf } from "@node-agent/shared/core/ledger/clocks.ts";
import {
  LEDGER_OUTCOMES,
  type LedgerEntry,
  type LedgerOutcome,
} from "@node-agent/shared/core/ledger/ledger.ts";
import {
  emptyLedger,
  pruned,
  withHeartbeat,
  withIntent,
  withOutcome,
  withQuarantine,
} from "@node-agent/shared/core/ledger/steps.ts";
import { LEDGER_TIMINGS, windowOf } from "@node-agent/shared/core/ledger/timings.ts";
import { DAY, HOUR, MINUTE, SECOND, type EpochMillis, type Millis } from "@node-agent/shared/core/time.ts";
import { aLedger, anEntry, anIntent, at, NOON, WINDOW, writer } from "./ledger-build.ts";

const outcome = (before: LedgerOutcome, after: LedgerOutcome, now = NOON + MINUTE) =>
  withOutcome(
    aLedger([anEntry({ outcome: before })]),
    "vm-a",
    "token-a",
    after,
    writer(now),
    LEDGER_TIMINGS,
  ).entries.get("vm-a")!;

describe("an intent", () => {
  test("is stamped with the latest clock and keeps the VM until wait, deadlines, skew and margin are over", () => {
    const clocks = clocksOf([NOON, NOON + 20 * SECOND, NOON - 5 * SECOND]);
    const window = windowOf(10 * MINUTE, LEDGER_TIMINGS);
    expect(window).toBe(11 * MINUTE);
    const { meta, entries } = withIntent(aLedger(), anIntent({ pool: "blue", checker: "GPU" }), window, {
      by: "worker-7",
      clocks,
    });
    expect(entries.get("vm-a")).toEqual({
      instanceId: "vm-a",
      node: "node-a",
      pool: "blue",
      checker: "GPU",
      attempt: 1,
      token: "token-a",
      gpu: false,
      seq: 1,
      at: NOON + 20 * SECOND,
      notBefore: NOON + 20 * SECOND + window,
      by: "worker-7",
      outcome: "Intent",
    });
    expect(meta).toMatchObject({ seq: 1, heartbeatBy: "worker-7" });
  });

  test("remembers the reboots of the day before it, and not a call that was not made", () => {
    const times = [NOON - DAY, NOON - DAY + 1, NOON - HOUR];
    const before = anEntry({ at: NOON - 30 * MINUTE, earlier: times });
    const after = (entry: typeof before) =>
      withIntent(aLedger([entry]), anIntent({ token: "b" }), WINDOW, writer(NOON)).entries.get("vm-a")
        ?.earlier;
    expect(after(before)).toEqual([NOON - DAY + 1, NOON - HOUR, NOON - 30 * MINUTE]);
    expect(after({ ...before, outcome: "NotSent" })).toEqual([NOON - DAY + 1, NOON - HOUR]);
  });

  test("never shortens a window that stands", () => {
    const before = anEntry({ notBefore: NOON + DAY });
    const ledger = withIntent(aLedger([before]), anIntent({ token: "b" }), WINDOW, writer(NOON));
    expect(ledger.entries.get("vm-a")?.notBefore).toBe(NOON + DAY);
  });
});

describe("an outcome", () => {
  test.each(["NotSent", "Rejected"] as const)(
    "%s from the holder of an intent opens the window after a pause",
    (done) => {
      expect(outcome("Intent", done)).toMatchObject({
        outcome: done,
        notBefore: NOON + MINUTE + LEDGER_TIMINGS.cooldown,
        attempt: 0,
      });
    },
  );

  test("NotSent is timed with the latest clock", () => {
    const clocks = clocksOf([NOON, NOON + 29 * SECOND]);
    const ledger = aLedger([anEntry({ outcome: "Intent" })]);
    const after = withOutcome(ledger, "vm-a", "token-a", "NotSent", { by: "w", clocks }, LEDGER_TIMINGS);
    expect(after.entries.get("vm-a")?.notBefore).toBe(NOON + 29 * SECOND + LEDGER_TIMINGS.cooldown);
  });

  test.each(LEDGER_OUTCOMES.filter((one) => one !== "NotSent" && one !== "Rejected" && one !== "Intent"))(
    "%s keeps the window",
    (done) => {
      // What was proven not to have happened is no attempt; the cloud may be late all the same.
      const attempt = done === "NotExecuted" ? 0 : 1;
      expect(outcome("Intent", done)).toMatchObject({ outcome: done, notBefore: NOON + WINDOW, attempt });
    },
  );

  test("a call whose answer was lost is verified like one that was accepted", () => {
    expect(outcome("Unknown", "Cured").outcome).toBe("Cured");
    expect(outcome("Accepted", "StillBad").outcome).toBe("StillBad");
  });

  test("a late answer does not undo a verdict", () => {
    expect(outcome("Cured", "Accepted").outcome).toBe("Cured");
    expect(outcome("StillBad", "Cured").outcome).toBe("StillBad");
    expect(outcome("NotExecuted", "NotSent")).toMatchObject({
      outcome: "NotExecuted",
      notBefore: NOON + WINDOW,
    });
    expect(outcome("NotSent", "Accepted").outcome).toBe("NotSent");
  });

  test("of a VM that the ledger does not know writes nothing", () => {
    const ledger = aLedger();
    expect(withOutcome(ledger, "vm-x", "t", "Accepted", writer(NOON), LEDGER_TIMINGS)).toBe(ledger);
  });
});

describe("a heartbeat", () => {
  test("is stamped with the earliest clock, so that a fast clock cannot make a silent ledger look alive", () => {
    const clocks = clocksOf([NOON + MINUTE, NOON + 2 * HOUR]);
    expect(withHeartbeat(aLedger(), { by: "w", clocks }).meta.heartbeatAt).toBe(NOON + MINUTE);
  });

  test("never goes back", () => {
    const ledger = aLedger([], { heartbeatAt: NOON });
    expect(withHeartbeat(ledger, writer(NOON - MINUTE)).meta).toMatchObject({ heartbeatAt: NOON, seq: 1 });
  });
});

describe("a quarantine", () => {
  test("goes on above the highest number ever seen", () => {
    const { meta } = withQuarantine(aLedger([], { seq: 5 }), NOON + HOUR, 900, writer(NOON));
    expect(meta).toMatchObject({ seq: 901, quarantineUntil: NOON + HOUR });
  });

  test("is never shortened", () => {
    const ledger = aLedger([], { quarantineUntil: NOON + DAY });
    expect(withQuarantine(ledger, NOON + HOUR, 0, writer(NOON)).meta.quarantineUntil).toBe(NOON + DAY);
  });

  test.each([Number.MAX_SAFE_INTEGER, Infinity, Number.NaN, -1, 1.5, 2 ** 48, NOON + 1])(
    "takes a remembered number that cannot be one (%d) for none",
    (forged) => {
      expect(withQuarantine(aLedger([], { seq: 5 }), NOON, forged, writer(NOON)).meta.seq).toBe(6);
    },
  );
});

/** How many entries are left of one. */
const prune = (entry: LedgerEntry, now: EpochMillis, keep: Millis = LEDGER_TIMINGS.keep) =>
  pruned(aLedger([entry]), at(now), { keep }).entries.size;

describe("pruning", () => {
  test("leaves out an entry when a day has passed since its window ended, and not before", () => {
    const end = NOON + WINDOW + DAY;
    expect(prune(anEntry(), end)).toBe(1);
    expect(prune(anEntry(), end + 1)).toBe(0);
  });

  test("keeps what the budget of a day counts, however short `keep` was set", () => {
    expect(prune(anEntry({ notBefore: NOON }), NOON + DAY, MINUTE)).toBe(1);
  });

  test("keeps longer when told", () => {
    expect(prune(anEntry(), NOON + 3 * DAY, 7 * DAY)).toBe(1);
  });

  test("with nothing to leave out gives the same ledger", () => {
    const ledger = aLedger([anEntry()]);
    expect(pruned(ledger, at(NOON), LEDGER_TIMINGS)).toBe(ledger);
  });
});

test("a new ledger has seen nothing", () => {
  const { meta, entries } = emptyLedger("cluster-1", "init", NOON);
  expect(entries.size).toBe(0);
  expect(meta).toEqual({
    schema: 1,
    cluster: "cluster-1",
    seq: 0,
    heartbeatAt: NOON,
    heartbeatBy: "init",
    quarantineUntil: 0,
    pausedPools: {},
    pausedNodes: {},
  });
});
