import { createHash } from "node:crypto";
import { describe, expect, test, vi } from "vitest";
import { simulateMany } from "./pool.ts";
import { PROFILES, profileOf } from "./profiles.ts";
import { simulate } from "./simulate.ts";

test("2,000 runs under every kind of fault break no promise, and forget no node", async () => {
  const total = await simulateMany({ runs: 2000, seed: 1 });
  expect(total.violations).toEqual([]);
  expect(total.runs).toBe(2000);
  // A run in which nothing happens proves nothing.
  expect(total.reboots).toBeGreaterThan(4000);
  expect(total.crashes).toBeGreaterThan(5000);
  expect(total.faults).toBeGreaterThan(100_000);
  expect(Object.keys(total.byProfile)).toEqual(
    expect.arrayContaining([
      "plain",
      "blind",
      "edge",
      "ledger",
      "hostile",
      "operator",
      "clocks",
      "impatient",
      "guarded",
      "rationed",
      "monitorOnly",
    ]),
  );
  // A minute and a half on two free cores; how long on busy ones is no verdict.
}, 1_200_000);

test.each([100, 585, 1032, 1474, 1493, 1707, 6534, 8311])(
  "seed %d, which once broke a promise, breaks none",
  async (seed) => {
    expect((await simulate(seed)).violations).toEqual([]);
  },
);

const hashOf = (story: readonly string[]) => createHash("sha256").update(story.join("\n")).digest("hex");

describe("a seed", () => {
  test.each([1, 5, 8, 11, 14, 17, 19])("%d makes the same run again, event for event", async (seed) => {
    const first = await simulate(seed, { told: true });
    const second = await simulate(seed, { told: true });
    expect(first.story.length).toBeGreaterThan(50);
    expect(hashOf(second.story)).toBe(hashOf(first.story));
    expect(second.chance).toBe(first.chance);
  });

  test("makes the same run on another thread, whether its story is told or not", async () => {
    const told = await simulate(3, { told: true });
    const { steps, reboots, crashes } = await simulateMany({ runs: 1, seed: 3, workers: 1 });
    expect({ steps, reboots, crashes }).toEqual({
      steps: told.steps,
      reboots: told.reboots,
      crashes: told.crashes,
    });
  });

  test("decides everything: no code of ours asks the machine for the time, or for a timer", async () => {
    const asked = new Set<string>();
    const spies = (
      [
        [Date, "now"],
        [performance, "now"],
        [globalThis, "setTimeout"],
        [globalThis, "setInterval"],
      ] as const
    ).map(([target, name]) => {
      const real = Reflect.get(target, name) as (...args: unknown[]) => unknown;
      return vi.spyOn(target as typeof Date, name as "now").mockImplementation((...args: unknown[]) => {
        if (/\/(?:packages|simulation)\//u.test(new Error("asked").stack ?? "")) asked.add(name);
        return Reflect.apply(real, target, args) as number;
      });
    });
    try {
      await simulate(2, { told: true });
    } finally {
      for (const spy of spies) spy.mockRestore();
    }
    expect([...asked]).toEqual([]);
  });

  test("says which kind of run it makes: of twenty, every kind has its share", () => {
    const kinds = Array.from({ length: 20 }, (_, seed) => profileOf(seed).name);
    expect(new Set(kinds).size).toBeGreaterThanOrEqual(8);
    expect(profileOf(0)).toBe(PROFILES.plain);
  });
});
