import fc from "fast-check";
import { expect, test } from "vitest";
import { joined, plausible } from "@node-agent/shared/core/ledger/sequence.ts";
import { withHeartbeat, withQuarantine } from "@node-agent/shared/core/ledger/steps.ts";
import { LEDGER_TIMINGS, windowOf } from "@node-agent/shared/core/ledger/timings.ts";
import { distrustOf } from "@node-agent/shared/core/ledger/trust.ts";
import { DAY, MINUTE, SECOND } from "@node-agent/shared/core/time.ts";
import { aLedger, at, NOON, writer } from "./ledger-build.ts";

const LONGEST = windowOf(40 * MINUTE, LEDGER_TIMINGS);

const forged = fc.oneof(
  fc.constantFrom(2 ** 48, 2 ** 48 - 1, 2 ** 53, Infinity, Number.NaN, -1, 0.5, 0),
  fc.constantFrom(-1, 0, 1, 1000).map((by) => NOON + by),
  fc.maxSafeNat(),
  fc.nat(100),
);

/** A gate whose memory a stranger writes to: it looks, begins the quarantine that is asked for, or gives a sign of life. */
class Gate {
  ledger = aLedger([], { seq: 10, heartbeatAt: NOON });
  remembered = 10;
  now = NOON;

  look() {
    const seqHighWater = joined(this.remembered, 0, this.now);
    return distrustOf(this.ledger, NOON - DAY, { seqHighWater }, at(this.now), LONGEST, LEDGER_TIMINGS);
  }

  run(passes: number): void {
    this.now += passes;
    const until = this.look()?.quarantineUntil;
    this.ledger =
      until === undefined
        ? withHeartbeat(this.ledger, writer(this.now))
        : withQuarantine(this.ledger, until, this.remembered, writer(this.now));
    this.remembered = joined(this.remembered, this.ledger.meta.seq, this.now);
  }
}

test("whatever numbers were forged before, a backup that is restored shows, and the forging ends with one quarantine", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(forged, fc.integer({ min: 1, max: 5 * MINUTE })), { maxLength: 8 }),
      fc.integer({ min: 1, max: 5 }),
      (forgeries, writes) => {
        const gate = new Gate();
        for (const [number, passes] of forgeries) {
          gate.remembered = number;
          gate.run(passes);
        }
        gate.run(SECOND);
        // Nothing is left that could begin another quarantine.
        expect(gate.look()?.quarantineUntil).toBeUndefined();
        const backup = gate.ledger;
        for (let i = 0; i < writes; i += 1) gate.run(SECOND);
        gate.ledger = backup;
        expect(gate.look()).toMatchObject({ distrust: "WentBack" });
      },
    ),
    { numRuns: 1000 },
  );
});

test("a number that no ledger can reach is replaced by the next one, and an honest one never is", () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), fc.nat(NOON), (remembered, seq) => {
      expect(joined(remembered, seq, NOON)).toBe(remembered > NOON ? seq : Math.max(remembered, seq));
    }),
  );
});

test.each([Number.NaN, Infinity, -1, 0.5, NOON + 1])("%d is no number of a ledger", (seq) => {
  expect(plausible(seq, NOON)).toBe(0);
});
