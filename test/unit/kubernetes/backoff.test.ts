import fc from "fast-check";
import { expect, test } from "vitest";
import { createBackoff } from "../../../packages/kubernetes/src/reflector/backoff.ts";

const shape = { base: 800, cap: 30_000, reset: 120_000 };

test("I-7: steps double from 0.8 s up to 30 s", () => {
  let now = 0;
  const backoff = createBackoff({ ...shape, clock: { monotonic: () => now }, random: () => 1 });
  const pauses = Array.from({ length: 8 }, () => {
    const pause = backoff.next();
    now += pause;
    return pause;
  });
  expect(pauses).toEqual([800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
});

test("I-7: two minutes of health after a pause start anew, less does not", () => {
  let now = 0;
  const backoff = createBackoff({ ...shape, clock: { monotonic: () => now }, random: () => 1 });
  now += backoff.next();
  now += backoff.next() + shape.reset - 1;
  now += backoff.next();
  expect(backoff.next()).toBe(6400);
  now += 6400 + shape.reset;
  expect(backoff.next()).toBe(800);
});

test("I-7: full jitter: every pause lies between zero and its step", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { maxLength: 40 }),
      (draws) => {
        let at = 0;
        const backoff = createBackoff({
          ...shape,
          clock: { monotonic: () => 0 },
          random: () => draws[at] ?? 0,
        });
        for (; at < draws.length; at += 1) {
          const pause = backoff.next();
          expect(pause).toBeGreaterThanOrEqual(0);
          expect(pause).toBeLessThanOrEqual(Math.min(shape.cap, shape.base * 2 ** at));
        }
      },
    ),
  );
});
