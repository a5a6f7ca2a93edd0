import { beforeAll, beforeEach, expect, test } from "vitest";
import { keysOf } from "@node-agent/shared/contract/keys.ts";
import type { Plan } from "@node-agent/shared/core/plan/plan.ts";
import { MINUTE } from "@node-agent/shared/core/time.ts";
import { RedisPlanStore } from "@node-agent/shared/redis/plan-store.ts";
import { useCliWorld } from "./cli-world.ts";

const world = useCliWorld();
const SICK = ["node-1", "node-2", "node-3"] as const;

beforeAll(async () => {
  await world().breakNodes(...SICK);
  await world().grownLedger();
});

beforeEach(async () => {
  await world().forget();
  await world().calmLedger();
  await world().watched();
  const census = { nodes: 20, silent: 3, byPool: { "pool-a": 20 }, byZone: { "": 20 }, claimants: {} };
  await new RedisPlanStore(world().redis, keysOf(world().cluster)).tellCensus(census);
});

async function planned(part: Readonly<Record<string, unknown>> = {}): Promise<Plan> {
  const run = await world().cli(["plan", "-o", "json"], { config: world().config(part) });
  expect(run).toMatchObject({ code: 0, err: "" });
  return JSON.parse(run.out) as Plan;
}

test("plan names the repair that would begin now, the oldest, and what holds the others", async () => {
  await world().judge("node-2", 7 * MINUTE);
  await world().judge("node-1", 7 * MINUTE);
  await world().judge("node-3", MINUTE);
  const made = await planned({ breaker: { floor: 100 } });
  expect(made.proceed.map(({ node }) => node)).toEqual(["node-2"]);
  expect(made.held).toMatchObject([
    { node: "node-1", gate: "Limit" },
    { node: "node-3", gate: "Threshold" },
  ]);
});

test("prints equal reasons as one line for a person", async () => {
  for (const node of SICK) await world().judge(node, 7 * MINUTE);
  const { code, out } = await world().cli(["plan"], {
    config: world().config({ breaker: { floor: 100 } }),
  });
  expect(code).toBe(0);
  expect(out).toMatch(/^Limits +0 of 1 repairs open; 0 of 10 begun within the hour, 10 left$/mu);
  expect(out).toMatch(/^Repairs +1 begin now, 2 held, 0 failing without a repair$/mu);
  expect(out).toMatch(/^Limit +.* +node-2, node-3 +Zone: 1 open in zone lon1-a, 1 allowed$/mu);
});

test("follows the configuration that it is given: a raised limit lets more begin", async () => {
  for (const node of SICK) await world().judge(node, 7 * MINUTE);
  const open = { pool: { count: 10 }, zone: { count: 10 }, cluster: { count: 10 } };
  const made = await planned({ breaker: { floor: 100 }, limits: { open } });
  expect(made.proceed.map(({ node }) => node)).toEqual([...SICK]);
});

test("says that a pause in the ledger holds them", async () => {
  for (const node of SICK) await world().judge(node, 7 * MINUTE);
  await world().cli(["pause", "--reason", "upgrade"]);
  const made = await planned();
  expect(made.proceed).toEqual([]);
  expect(new Set(made.held.map(({ gate }) => gate))).toEqual(new Set(["Paused"]));
});

test("shows the pauses and grants in force", async () => {
  for (const node of SICK) await world().judge(node, 7 * MINUTE);
  await world().cli(["grant", "--pool", "pool-a", "--reason", "power is back", "--force"]);
  await world().cli(["pause", "--node", "node-1", "--reason", "bad disk"]);
  const { out } = await world().cli(["plan"]);
  expect(out).toMatch(/^Paused +node node-1 by admin \(ann@desk\) at \S+Z: bad disk$/mu);
  expect(out).toMatch(/^Grant +pool pool-a until \S+Z \(in \S+\), 0 begun, .*: power is back$/mu);
  expect(await planned()).toMatchObject({
    orders: { pauses: [{ scope: { level: "node", name: "node-1" } }], grants: [{ pool: "pool-a" }] },
  });
});

test("in monitor-only mode needs no ledger", async () => {
  const config = world().config({ monitorOnly: true });
  for (const node of SICK) await world().judge(node, 7 * MINUTE);
  const { code, out } = await world().cli(["plan"], { config });
  expect(code).toBe(0);
  expect(out).toContain("monitor-only: nothing is repaired");
});
