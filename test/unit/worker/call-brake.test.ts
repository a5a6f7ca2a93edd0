import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { allowed, DEFAULT_LIMITS } from "../../../packages/shared/src/core/storm/policy.ts";
import { HOUR, MINUTE } from "../../../packages/shared/src/core/time.ts";
import { ManualClock } from "../../../packages/shared/src/testing/manual-clock.ts";
import { CallBrake } from "../../../packages/worker/src/call-brake.ts";
import { limitsOfCounts } from "../../support/limits.ts";

const brake = (clock: ManualClock) => new CallBrake(clock, limitsOfCounts({ cluster: 1 }, { rate: 10 }));
const sent = (it: CallBrake): boolean => {
  using claim = it.claim(100);
  return claim.wait === 0 && claim.send();
};

describe("the brake of one process (G9)", () => {
  test("lets twice as many calls go at once as may be open in the cluster, then one for each half of the rate", () => {
    const clock = new ManualClock();
    const it = brake(clock);
    expect([sent(it), sent(it), sent(it)]).toEqual([true, true, false]);
    expect(it.claim(100).wait).toBe(3 * MINUTE);
    clock.advance(3 * MINUTE - 1);
    expect(sent(it)).toBe(false);
    clock.advance(1);
    expect([sent(it), sent(it)]).toEqual([true, false]);
  });

  test("is of the process's own clock: a wall clock that jumps frees nothing", () => {
    const clock = new ManualClock();
    const it = brake(clock);
    expect([sent(it), sent(it)]).toEqual([true, true]);
    clock.jump(24 * HOUR);
    expect(sent(it)).toBe(false);
  });

  test("a claim that was not used is given back, and one that was used sends once", () => {
    const it = brake(new ManualClock());
    const [first, second] = [it.claim(100), it.claim(100)];
    expect(it.claim(100).wait).toBeGreaterThan(0);
    second[Symbol.dispose]();
    expect(second.send()).toBe(false);
    expect(first.send()).toBe(true);
    expect(first.send()).toBe(false);
    first[Symbol.dispose]();
    expect([sent(it), sent(it)]).toEqual([true, false]);
  });

  test("follows from the size of the cluster", () => {
    const it = new CallBrake(new ManualClock(), DEFAULT_LIMITS);
    const most = 2 * allowed(DEFAULT_LIMITS.open.cluster, 5000);
    for (let i = 0; i < most; i += 1) expect(it.claim(5000).send()).toBe(true);
    expect(it.claim(5000).wait).toBe(HOUR / 300);
  });

  test("never lets more through than twice the rate and a burst, however calls are asked for", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(10 * MINUTE), { maxLength: 200 }), (pauses) => {
        const clock = new ManualClock();
        const it = brake(clock);
        const calls: number[] = [];
        for (const pause of pauses) {
          clock.advance(pause);
          if (sent(it)) calls.push(clock.monotonic());
          for (const [i, at] of calls.entries())
            expect(calls.length - i).toBeLessThanOrEqual(2 + (clock.monotonic() - at) / (3 * MINUTE));
        }
      }),
    );
  });
});
