import { describe, expect, test } from "vitest";
import { MINUTE, SECOND } from "../../../packages/shared/src/core/time.ts";
import type { Clock } from "../../../packages/shared/src/ports/clock.ts";
import { systemClock } from "../../../packages/shared/src/runtime/system-clock.ts";
import { ManualClock } from "../../../packages/shared/src/testing/manual-clock.ts";

const implementations: [string, () => { clock: Clock; pass: (span: number) => void }][] = [
  [
    "manual",
    () => {
      const clock = new ManualClock();
      return { clock, pass: (span) => clock.advance(span) };
    },
  ],
  ["system", () => ({ clock: systemClock, pass: () => undefined })],
];

describe.each(implementations)("Clock contract: %s", (_, make) => {
  test("sleep ends when its time has passed, and never rejects", async () => {
    const { clock, pass } = make();
    const from = clock.monotonic();
    const slept = clock.sleep(2);
    pass(2);
    await expect(slept).resolves.toBeUndefined();
    expect(clock.monotonic()).toBeGreaterThanOrEqual(from);
  });

  test("sleep ends at once when the signal fires, before or during", async () => {
    const { clock } = make();
    const stopping = new AbortController();
    const slept = clock.sleep(3 * MINUTE, stopping.signal);
    stopping.abort();
    await expect(slept).resolves.toBeUndefined();
    await expect(clock.sleep(3 * MINUTE, stopping.signal)).resolves.toBeUndefined();
  });

  test("a sleep of no time ends at once", async () => {
    await expect(make().clock.sleep(0)).resolves.toBeUndefined();
  });
});

describe("the manual clock", () => {
  test("wakes sleepers in the order of their times, and leaves nobody behind", async () => {
    const clock = new ManualClock();
    const woken: number[] = [];
    const sleepers = [30, 10, 20].map(async (span) => {
      await clock.sleep(span * SECOND);
      woken.push(span);
    });
    clock.advance(25 * SECOND);
    await Promise.all(sleepers.slice(1));
    expect(woken).toEqual([10, 20]);
    expect(clock.sleeping).toBe(1);
    clock.advance(5 * SECOND);
    await Promise.all(sleepers);
    expect(clock.sleeping).toBe(0);
  });

  test("a jump moves the wall clock alone", () => {
    const clock = new ManualClock(1000);
    clock.jump(-500);
    expect([clock.now(), clock.monotonic()]).toEqual([500, 0]);
    clock.advance(7);
    expect([clock.now(), clock.monotonic()]).toEqual([507, 7]);
  });
});
