import { afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { FleetSummary } from "@node-agent/shared/core/fleet-summary.ts";
import { MINUTE } from "@node-agent/shared/core/time.ts";
import { useCliWorld } from "./cli-world.ts";

const world = useCliWorld();
const SICK = "node-1";
/** An address on which nothing listens. */
const NO_REDIS = { redis: { url: "redis://127.0.0.1:1" } };

beforeAll(async () => {
  await world().breakNodes(SICK);
});

beforeEach(async () => {
  await world().forget();
});

async function status(config?: string): Promise<FleetSummary> {
  await world().watched();
  const run = await world().cli(["status", "-o", "json"], config === undefined ? {} : { config });
  expect(run).toMatchObject({ code: 0, err: "" });
  return JSON.parse(run.out) as FleetSummary;
}

describe("status", () => {
  test("tells what there is, which checkers apply and what would be repaired", async () => {
    await world().judge(SICK, 6 * MINUTE);
    await world().judge("node-2");
    const summary = await status();
    expect(summary).toMatchObject({
      cluster: world().cluster,
      mode: "active",
      nodes: { total: 20, selected: 20, leftOut: 0 },
      pools: [{ name: "pool-a", nodes: 20, failing: 1 }],
      phases: { Healthy: 1, Unhealthy: 1, unjudged: 18 },
      failing: [{ node: SICK, repair: "Due", holds: [] }],
    });
    expect(summary.failing[0]?.failing[0]?.since).toMatch(/^\d{4}-\d\d-\d\dT/u);
  });

  test("prints it for a person, and calls out a checker that applies to no node", async () => {
    await world().judge(SICK, 6 * MINUTE);
    await world().watched();
    const { code, out, err } = await world().cli(["status"]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(/^Nodes +20 selected$/mu);
    expect(out).toMatch(/^Pools +pool-a: 20 \(1 failing\)$/mu);
    expect(out).toMatch(/^Repairs +1 node failing: 1 due now, 0 waiting, 0 held, 0 without a repair$/mu);
    expect(out).toMatch(/^node-1 +pool-a +NodeReady\/NodeStatusUnknown for 6m\d*s? +reboot due now$/mu);
    expect(out).toMatch(/^GPU applies to no node of this cluster \(NonGPUNode\)$/mu);
    expect(out).toContain("Not asked here: Ledger, CureRate, Limit");
  });

  test("in monitor-only mode every repair is one that would be", async () => {
    const config = world().config({ monitorOnly: true });
    await world().watched();
    const { out } = await world().cli(["status"], { config });
    expect(out).toContain("monitor-only: nothing is repaired");
    expect(out).toMatch(/^node-1 .* would be rebooted not before /mu);
    expect(out).not.toMatch(/reboot due|reboot not before|due now/u);
  });

  test("leaves out what the configuration leaves out", async () => {
    const { nodes, failing } = await status(world().config({ nodePools: ["another"] }));
    expect(nodes).toEqual({ total: 20, selected: 0, leftOut: 20 });
    expect(failing).toEqual([]);
  });

  test("without records it says that no worker has judged a node", async () => {
    const { out } = await world().cli(["status"]);
    expect(out).toContain("no worker has judged a node of this cluster");
  });

  test("without Redis it prints the cluster all the same, says so, and exits 1", async () => {
    const { code, out, err } = await world().cli(["status"], { config: world().config(NO_REDIS) });
    expect(code).toBe(1);
    expect(err).toMatch(/^node-agent: Redis at .* does not answer: .*; phases and clocks are not shown\n$/u);
    expect(out).toMatch(/^Nodes +20 selected$/mu);
    expect(out).not.toContain("Phases");
    expect(out).toMatch(/^node-1 +pool-a +NodeReady\/NodeStatusUnknown +reboot not before /mu);
  });

  test("without the cluster there is nothing to print", async () => {
    const { code, out, err } = await world().cli(["status", "--context", "elsewhere"]);
    expect({ code, out }).toEqual({ code: 2, out: "" });
    expect(err).toContain("elsewhere");
  });

  test("in monitor-only mode needs nothing of the cluster but to list nodes, and writes nothing to Redis", async () => {
    await world().judge(SICK, MINUTE);
    const before = await world().redis.dbsize();
    world().simulator.requests.clear();
    await world().cli(["status"], { config: world().config({ monitorOnly: true }) });
    const asked = world().simulator.requests.list("kubernetes");
    expect(asked.map(({ method, path }) => `${method} ${path.split("?", 1)[0]}`)).toEqual([
      "GET /api/v1/nodes",
    ]);
    expect(await world().redis.dbsize()).toBe(before);
  });
});

describe("status and the orders in the ledger", () => {
  const LEDGER = "/api/v1/namespaces/default/configmaps/node-agent-ledger";

  beforeEach(async () => {
    await world().cli(["ledger", "init"]);
  });
  afterEach(async () => {
    world().simulator.faults.clear();
    await world().deleteLedger();
  });

  test("shows each pause and each grant with its end; what is paused is held", async () => {
    await world().judge(SICK, 6 * MINUTE);
    await world().watched();
    await world().cli(["pause", "--reason", "upgrade", "--for", "2h"]);
    await world().cli(["grant", "--zone", "z1", "--reason", "power is back", "--force", "--for", "30m"]);
    const { code, out, err } = await world().cli(["status"]);
    expect({ code, err }).toEqual({ code: 0, err: "" });
    expect(out).toMatch(/^Paused +fleet by admin \(ann@desk\) at \S+Z, until \S+Z: upgrade$/mu);
    expect(out).toMatch(/^Grant +zone z1 until \S+Z \(in (?:30|29)m\S*\), 0 begun, .*: power is back$/mu);
    expect(out).toMatch(/^node-1 .* reboot held by Paused: fleet \(ledger\): paused by admin/mu);
    const { orders } = await status();
    expect(orders).toMatchObject({
      pauses: [{ scope: { level: "fleet" }, pause: { until: expect.stringMatching(/Z$/u) } }],
      grants: [{ zone: "z1", until: expect.stringMatching(/Z$/u) }],
    });
  });

  test("shows none where there is none, and says so in JSON", async () => {
    expect((await world().cli(["status"])).out).not.toMatch(/^(?:Paused|Grant|Orders) /mu);
    expect((await status()).orders).toEqual({ pauses: [], grants: [] });
  });

  test("without a ledger says that they are not known", async () => {
    await world().deleteLedger();
    const { code, out } = await world().cli(["status"]);
    expect(code).toBe(0);
    expect(out).toMatch(/^Orders +pauses and grants are not known: there is no ConfigMap default\//mu);
    expect(await status()).not.toHaveProperty("orders");
  });

  test("with a ledger that it may not read says so, and exits 1", async () => {
    world().simulator.faults.add({
      api: "kubernetes",
      effect: "status",
      status: 403,
      match: { path: LEDGER },
    });
    const { code, out, err } = await world().cli(["status"]);
    expect(code).toBe(1);
    expect(err).toMatch(/^node-agent: the ledger could not be read: .*; pauses and grants are not shown\n$/u);
    expect(out).toMatch(/^Nodes +20 selected$/mu);
    expect(out).toMatch(/^Orders +pauses and grants are not known: /mu);
  });
});
