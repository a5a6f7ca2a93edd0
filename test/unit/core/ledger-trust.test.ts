import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { clocksOf, spreadOf } from "@node-agent/shared/core/ledger/clocks.ts";
import type { Ledger, LedgerMeta } from "@node-agent/shared/core/ledger/ledger.ts";
import { withHeartbeat, withIntent, withQuarantine } from "@node-agent/shared/core/ledger/steps.ts";
import { LEDGER_TIMINGS, windowOf } from "@node-agent/shared/core/ledger/timings.ts";
import { distrustOf, type LedgerDistrust, type LedgerMemory } from "@node-agent/shared/core/ledger/trust.ts";
import { ledgerView } from "@node-agent/shared/core/gates/ledger-view.ts";
import { DEFAULT_POLICY } from "@node-agent/shared/core/policy.ts";
import { Limits, UNCOUNTED } from "@node-agent/shared/core/storm/limits.ts";
import { DAY, HOUR, MINUTE, SECOND, type EpochMillis } from "@node-agent/shared/core/time.ts";
import { aLedger, anIntent, at, NOON, WINDOW, writer } from "./ledger-build.ts";

const LONGEST = windowOf(40 * MINUTE, LEDGER_TIMINGS);

interface Asked {
  readonly meta?: Partial<LedgerMeta>;
  readonly createdAt?: EpochMillis;
  readonly seqHighWater?: number;
  readonly clocks?: readonly EpochMillis[];
}

/** The distrust of a ledger that is trusted unless told otherwise. */
function asked({ meta = {}, createdAt = NOON - DAY, seqHighWater = 0, clocks = [NOON] }: Asked) {
  const ledger = aLedger([], { seq: 10, ...meta });
  return distrustOf(ledger, createdAt, { seqHighWater }, clocksOf(clocks), LONGEST, LEDGER_TIMINGS);
}

describe("a ledger", () => {
  test("is trusted when nothing speaks against it", () => {
    expect(asked({ seqHighWater: 10 })).toBeUndefined();
  });

  test("is not when it is younger than the longest window: it knows nothing of the time before", () => {
    const createdAt = NOON - LONGEST + 1;
    expect(asked({ createdAt })).toEqual({
      distrust: "TooYoung",
      why: "it is younger than the longest wait window",
      until: NOON + 1,
    });
    expect(asked({ createdAt: NOON - LONGEST })).toBeUndefined();
  });

  test("that is too young and was restored begins its quarantine while it grows", () => {
    expect(asked({ createdAt: NOON - MINUTE, seqHighWater: 11 })).toEqual({
      distrust: "TooYoung",
      why: "it is younger than the longest wait window",
      until: NOON + LONGEST,
      quarantineUntil: NOON + LONGEST,
    });
  });

  test("is not put in quarantine by clocks that disagree", () => {
    const clocks = [NOON, NOON + DAY];
    expect(asked({ createdAt: NOON - MINUTE, clocks })?.quarantineUntil).toBeUndefined();
    expect(asked({ seqHighWater: 11, clocks })).toMatchObject({ distrust: "ClockSkew" });
    expect(asked({ seqHighWater: 11, clocks })?.quarantineUntil).toBeUndefined();
  });

  test("is too young as long as the slowest clock says so", () => {
    expect(asked({ createdAt: NOON - LONGEST, clocks: [NOON, NOON - 1] })?.distrust).toBe("TooYoung");
  });

  test("is not while clocks are further apart than windows allow for", () => {
    expect(asked({ clocks: [NOON, NOON + 30 * SECOND] })).toBeUndefined();
    expect(asked({ clocks: [NOON, NOON + 31 * SECOND] })).toEqual({
      distrust: "ClockSkew",
      why: "clocks are 31 s apart, 30 s are allowed",
      until: NOON + 30 * SECOND,
    });
  });

  test("is not when its number is lower than one seen before: a backup was restored", () => {
    expect(asked({ seqHighWater: 11 })).toEqual({
      distrust: "WentBack",
      why: "its sequence number went back from 11 to 10: a backup was restored",
      until: NOON + LONGEST,
      quarantineUntil: NOON + LONGEST,
    });
  });

  test("is not when nobody wrote to it for long, by the fastest clock", () => {
    const heartbeatAt = NOON - 10 * MINUTE;
    expect(asked({ meta: { heartbeatAt } })).toBeUndefined();
    expect(asked({ meta: { heartbeatAt }, clocks: [NOON, NOON + 1] })).toMatchObject({
      distrust: "Silent",
      quarantineUntil: NOON + 1 + LONGEST,
    });
  });

  describe("that was silent for long", () => {
    const heartbeatAt = NOON - HOUR;
    /** Outage of an hour; this process saw number 10 when it began. */
    const silent = (memory: Partial<LedgerMemory>, meta: Partial<LedgerMeta> = {}) =>
      distrustOf(
        aLedger([], { seq: 10, heartbeatAt, ...meta }),
        NOON - DAY,
        { seqHighWater: memory.known?.seq ?? 0, ...memory },
        at(NOON),
        LONGEST,
        LEDGER_TIMINGS,
      )?.distrust;
    const known = { seq: 10, at: heartbeatAt + MINUTE };

    test("is trusted by a process that saw it, while Redis remembers what that process told it", () => {
      expect(silent({ known, shared: 10 })).toBeUndefined();
      expect(silent({ known: { ...known, seq: 8 }, shared: 8 })).toBeUndefined();
      expect(silent({ known: { ...known, seq: 8 }, shared: 10 })).toBeUndefined();
    });

    test("is trusted without the memory of Redis by a process that sees exactly what it saw a moment ago", () => {
      const justNow = NOON - MINUTE;
      expect(silent({ known: { seq: 10, at: justNow } })).toBeUndefined();
      expect(silent({ known: { seq: 10, at: justNow }, shared: 3 })).toBeUndefined();
      // What was written since then may have been more than this.
      expect(silent({ known: { seq: 9, at: justNow }, shared: 3 })).toBe("Silent");
      expect(silent({ known })).toBe("Silent");
    });

    test("is not trusted when it went on without this process: a backup may be from that time", () => {
      const long = { seq: 8, at: heartbeatAt - LEDGER_TIMINGS.heartbeatMaxAge - 1 };
      expect(silent({ known: long, shared: 10 })).toBe("Silent");
    });

    test("is not trusted for what Redis says alone: it may have been restored with the cluster", () => {
      expect(silent({ shared: 10, seqHighWater: 10 })).toBe("Silent");
    });

    test("went back, whatever else is remembered", () => {
      expect(silent({ known: { ...known, seq: 11 }, shared: 11 })).toBe("WentBack");
      expect(silent({ known, shared: 12, seqHighWater: 12 })).toBe("WentBack");
    });

    test("is left for a while to those that may vouch for it before its quarantine begins", () => {
      const span = LEDGER_TIMINGS.heartbeatMaxAge / 3;
      const found = (silentSince: EpochMillis, createdAt = NOON - DAY) =>
        distrustOf(
          aLedger([], { seq: 10, heartbeatAt }),
          createdAt,
          { seqHighWater: 0, silentSince },
          at(NOON),
          LONGEST,
          LEDGER_TIMINGS,
        );
      expect(found(NOON)).toMatchObject({ distrust: "Silent", until: NOON + span });
      expect(found(NOON)?.quarantineUntil).toBeUndefined();
      // A sign of life to a young one would hide its silence.
      expect(found(NOON, NOON - MINUTE)).toMatchObject({ distrust: "Silent" });
      expect(found(NOON - span)).toMatchObject({ distrust: "Silent", quarantineUntil: NOON + LONGEST });
    });
  });

  test("is not in its quarantine, until the slowest clock says that it is over", () => {
    const meta = { quarantineUntil: NOON };
    expect(asked({ meta })).toBeUndefined();
    expect(asked({ meta, clocks: [NOON - 1, NOON] })).toEqual({
      distrust: "Quarantine",
      why: "it is in quarantine",
      until: NOON,
    });
  });

  test.each([Number.MAX_SAFE_INTEGER, 2 ** 48, NOON + 1, Infinity, Number.NaN])(
    "is not doubted for a remembered number that no ledger can reach (%d)",
    (seqHighWater) => {
      expect(asked({ seqHighWater })).toBeUndefined();
    },
  );
});

/** What every gate does with distrust: writes the quarantine that it asks for, and goes on giving signs of life. */
function quarantined(
  ledger: Ledger,
  distrust: LedgerDistrust,
  seqHighWater: number,
  now: EpochMillis,
): Ledger {
  if (distrust.quarantineUntil === undefined) return ledger;
  return withQuarantine(ledger, distrust.quarantineUntil, seqHighWater, writer(now));
}

describe("a quarantine ends: reboots are possible again", () => {
  test.each([
    ["after a restored backup", { seq: 10, heartbeatAt: NOON }, 500],
    ["after the highest number that can be forged", { seq: 10, heartbeatAt: NOON }, NOON],
    ["after a long silence", { seq: 10, heartbeatAt: NOON - DAY }, 10],
  ])("%s", (_, meta, seqHighWater) => {
    let ledger = aLedger([], meta);
    let highest = seqHighWater;
    const look = (now: EpochMillis) =>
      distrustOf(ledger, NOON - DAY, { seqHighWater: highest }, at(now), LONGEST, LEDGER_TIMINGS);
    const first = look(NOON);
    expect(first?.quarantineUntil).toBe(NOON + LONGEST);
    ledger = quarantined(ledger, first!, highest, NOON);
    const seen: (string | undefined)[] = [];
    for (let now = NOON; now < NOON + LONGEST; now += 3 * MINUTE) {
      highest = Math.max(highest, ledger.meta.seq);
      seen.push(look(now)?.distrust);
      ledger = withHeartbeat(ledger, writer(now));
    }
    expect(new Set(seen)).toEqual(new Set(["Quarantine"]));
    expect(look(NOON + LONGEST)).toBeUndefined();
    expect(Number.isSafeInteger(ledger.meta.seq)).toBe(true);
  });
});

describe("clocks", () => {
  const skew = fc.integer({ min: -2 * DAY, max: 2 * DAY });

  test("as long as one clock runs true, whatever the others say, no window is shorter than it", () => {
    fc.assert(
      fc.property(
        fc.array(skew, { maxLength: 2 }),
        fc.array(skew, { maxLength: 2 }),
        fc.nat(2 * WINDOW),
        (stamping, asking, passes) => {
          const stamps = clocksOf([NOON, ...stamping.map((by) => NOON + by)]);
          const ledger = withIntent(aLedger(), anIntent(), WINDOW, { by: "w", clocks: stamps });
          const later = NOON + passes;
          const clocks = clocksOf([later, ...asking.map((by) => later + by)]);
          const limits = new Limits(ledger, UNCOUNTED, DEFAULT_POLICY, clocks);
          const view = ledgerView({ instanceId: "vm-a", checkers: [] }, { ledger, clocks, limits }, later);
          const mayPass = view.notBefore === undefined;
          // A wrong clock may hold for longer; it must not let pass before the window is over by the true one.
          expect(mayPass && passes < WINDOW).toBe(false);
        },
      ),
      { numRuns: 2000 },
    );
  });

  test("a silence is noticed in time by any set of clocks of which one runs true", () => {
    fc.assert(
      fc.property(fc.array(skew, { maxLength: 2 }), fc.array(skew, { maxLength: 2 }), (stamping, asking) => {
        const stamps = clocksOf([NOON, ...stamping.map((by) => NOON + by)]);
        const start = aLedger([], { heartbeatAt: 0, seq: 10 });
        const ledger = withHeartbeat(start, { by: "w", clocks: stamps });
        const later = NOON + LEDGER_TIMINGS.heartbeatMaxAge + 1;
        const clocks = clocksOf([later, ...asking.map((by) => later + by)]);
        const found = distrustOf(ledger, 0, { seqHighWater: 0 }, clocks, LONGEST, LEDGER_TIMINGS);
        expect(["Silent", "ClockSkew"]).toContain(found?.distrust);
      }),
    );
  });

  test("tell their earliest, latest and spread; none at all is a mistake", () => {
    expect(clocksOf([3, 1, 2])).toEqual({ earliest: 1, latest: 3 });
    expect(spreadOf(clocksOf([3, 1, 2]))).toBe(2);
    expect(() => clocksOf([])).toThrow(RangeError);
  });
});
