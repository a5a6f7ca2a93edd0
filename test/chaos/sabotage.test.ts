import { describe, expect, test } from "vitest";
import { runChaos } from "./run.ts";
import { NARROW } from "./settings.ts";

/** Of no importance: what is broken here is broken on purpose. */
const SEED = 20_261;

describe("the oracle sees", () => {
  /** What is left sick by workers like these is nobody's promise. */
  const sabotaged = { seed: SEED, span: 20_000, nodes: 60, recovery: 500 };

  test("what the guards prevent: workers without ledger and compare-and-set reboot VMs twice", async () => {
    const workerScript = "test/chaos/sabotaged-worker.ts";
    const report = await runChaos({ ...sabotaged, span: 30_000, breaksPerSecond: 4, workerScript });
    expect(report.doubles.length, JSON.stringify(report)).toBeGreaterThan(0);
  }, 180_000);

  test("budgets that are wider than it was told, in workers that keep every other promise", async () => {
    const wide = { pool: 1000, cluster: 1000 };
    const report = await runChaos({
      ...sabotaged,
      calm: true,
      breaksPerSecond: 6,
      open: NARROW,
      openForWorkers: wide,
    });
    expect(report.overBudget.length, JSON.stringify(report)).toBeGreaterThan(0);
    expect([...report.doubles, ...report.healthy]).toEqual([]);
  }, 180_000);

  test("nodes that nothing holds and nobody reboots: workers whose pending reboots are never put on the queue", async () => {
    const workerScript = "test/chaos/forgetful-worker.ts";
    const report = await runChaos({ ...sabotaged, calm: true, breaksPerSecond: 2, workerScript });
    expect(report.explained.unexplained, JSON.stringify(report)).toContainEqual(
      expect.stringMatching(/no (?:pending )?reboot/u),
    );
  }, 180_000);
});
