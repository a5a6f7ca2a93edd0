import { expect, test } from "vitest";
import { runChaos } from "./run.ts";

/** A new one with every run, and told when the run fails; what is broken and killed follows from it. */
const SEED = Date.now() % 1_000_000;

test("a minute of chaos: no VM twice in its wait, none that was well, no budget exceeded, and nobody forgotten", async () => {
  const report = await runChaos({ nodes: 200, span: 60_000, seed: SEED, breaksPerSecond: 2 });
  const told = `seed ${SEED}: ${JSON.stringify(report)}`;
  expect(report.violations, told).toEqual([]);
  expect(report.leftSick, told).toEqual([]);
  // What the promises are worth is what went wrong meanwhile.
  expect(report.reboots, told).toBeGreaterThanOrEqual(20);
  expect(report.kills + report.stops, told).toBeGreaterThanOrEqual(20);
  expect(report.redisKills + report.redisFlushes, told).toBeGreaterThanOrEqual(5);
}, 300_000);

test("the oracle sees what the guards prevent: workers without ledger and compare-and-set reboot VMs twice", async () => {
  const report = await runChaos({
    nodes: 60,
    span: 30_000,
    seed: SEED,
    breaksPerSecond: 4,
    workerScript: "test/chaos/sabotaged-worker.ts",
    // What is left sick by workers like these is nobody's promise.
    recovery: 1000,
  });
  const told = `seed ${SEED}: ${JSON.stringify(report)}`;
  expect(report.reboots, told).toBeGreaterThan(0);
  expect(report.doubles.length, told).toBeGreaterThan(0);
}, 180_000);
