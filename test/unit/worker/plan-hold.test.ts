import { expect, test } from "vitest";
import { SECOND } from "@node-agent/shared/core/time.ts";
import type { NodeRecord } from "@node-agent/shared/core/record.ts";
import { heldByPlan } from "../../../packages/worker/src/plan-hold.ts";

const NOW = Date.UTC(2026, 10, 1);
const record = { name: "node-1" } as NodeRecord;

/** Until when the repair sleeps that this gate would ask again at `at`, with a view of this age. */
async function sleepsUntil(gate: "Threshold" | "WaitWindow", at: number, age: number): Promise<number> {
  const run = await heldByPlan(
    record,
    { step: "WaitUntil", gate, why: "not yet", at },
    { now: NOW, age },
    {
      plans: { latest: async () => ({ at: NOW, proceed: [] }) },
      timings: { planStale: 30 * SECOND } as never,
    },
  );
  if (run?.step !== "Held") throw new Error("not held");
  return run.at - NOW;
}

test("a repair sleeps until a beat can have counted its threshold: what passed since the latest beat is on its way", async () => {
  expect(await sleepsUntil("Threshold", NOW + 60 * SECOND, 4 * SECOND)).toBe(56.25 * SECOND);
  expect(await sleepsUntil("Threshold", NOW + 60 * SECOND, 0)).toBe(60.25 * SECOND);
});

test("a threshold that passed since the latest beat is looked at after the next, never in the past", async () => {
  expect(await sleepsUntil("Threshold", NOW + SECOND, 5 * SECOND)).toBe(0.25 * SECOND);
});

test("a wait window ends by the store's clock, whatever the watchers see", async () => {
  expect(await sleepsUntil("WaitWindow", NOW + 60 * SECOND, 4 * SECOND)).toBe(60 * SECOND);
});
