import { describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { useTopology } from "../support/topology.ts";

const EVALUATIONS = "civo_node_agent_evaluations_total";
const changed = Array.from({ length: 50 }, (_, i) => `fleet-${i + 1}`);
const broken = changed.slice(0, 10);

describe("two watchers and three workers", () => {
  const topology = useTopology({
    pools: [{ name: "standard", nodeNames: changed }],
    watchers: 2,
    workers: 3,
    // Only changes lead to evaluations here: no resync comes to judge anything again.
    config: { resyncInterval: "1h" },
    // Nor does a heartbeat come in between, which counts as brought while the change before it is not judged yet.
    simulator: { timings: { statusPeriod: "1h" } },
  });

  test("evaluate each change once", async () => {
    const before = await settled(async () => topology().sum("worker", EVALUATIONS));
    // One write per node, and one that no checker turns into a phase: nothing else changes in its wake.
    for (const node of changed) await topology().simulator.command({ do: "forget-provider-id", node });
    await eventually(async () =>
      expect(await topology().sum("worker", EVALUATIONS)).toBeGreaterThanOrEqual(before + changed.length),
    );
    const after = await settled(async () => topology().sum("worker", EVALUATIONS));
    expect(after - before).toBe(changed.length);
    const brought = { result: "Accepted" };
    expect(await topology().sum("watcher", "civo_node_agent_snapshots_published_total", brought)).toBe(
      2 * changed.length,
    );
  });

  test("reboot each broken node once", async () => {
    for (const node of broken) await topology().simulator.break(node, "not-ready");
    for (const node of broken) expect(await topology().recovered(node)).toHaveLength(1);
    expect(await topology().simulator.reboots()).toHaveLength(broken.length);
    expect(await topology().sum("worker", "civo_node_agent_reboots_total", { outcome: "Accepted" })).toBe(
      broken.length,
    );
  });
});

describe("an idle fleet of 1,000 nodes", () => {
  const HEARTBEATS = "civo_node_agent_heartbeats_ignored_total";
  const nodes = 1000;
  const topology = useTopology({
    pools: [
      { name: "standard", count: 900 },
      { name: "gpu", count: 100, gpus: 8 },
    ],
    watchers: 2,
    workers: 2,
    simulator: { timings: { statusPeriod: "5s" } },
  });

  /** When the latest resync ended. */
  const lastResync = async (): Promise<number> => {
    const { redis, keys } = topology();
    const [, endedAt] = await redis.client.zrange(
      `${keys.prefix}:resync:completed`,
      "-1",
      "-1",
      "WITHSCORES",
    );
    return Number(endedAt ?? 0);
  };

  test("evaluates nothing because of heartbeats, nor of resyncs", async () => {
    const before = await settled(async () => topology().sum("worker", EVALUATIONS));
    const [watcher] = topology().watchers();
    const heartbeatsBefore = (await watcher?.metric(HEARTBEATS)) ?? 0;
    const resynced = await lastResync();
    // Two whole rounds of every kubelet's status.
    await eventually(
      async () =>
        expect(await watcher?.metric(HEARTBEATS)).toBeGreaterThanOrEqual(heartbeatsBefore + 2 * nodes),
      { within: 60_000, every: 250 },
    );
    // And a resync every half a second meanwhile: none of them judges a node because time passed.
    expect((await lastResync()) - resynced).toBeGreaterThan(2000);
    expect(await topology().sum("worker", EVALUATIONS)).toBe(before);
    const phases = { phase: "Healthy" };
    expect(await topology().workers()[0]?.metric("civo_node_agent_nodes", phases)).toBe(nodes);
  });

  test("still sees the one node that fails", async () => {
    const [node = ""] = (await topology().simulator.truth()).map(({ name }) => name);
    await topology().simulator.break(node, "not-ready");
    expect(await topology().recovered(node)).toHaveLength(1);
    expect(await topology().simulator.reboots()).toHaveLength(1);
  });
});

/** Reads a number until it stands still for a while: what was under way is done. */
async function settled(read: () => Promise<number>): Promise<number> {
  let last = Number.NaN;
  let same = 0;
  return eventually(
    async () => {
      const value = await read();
      same = value === last ? same + 1 : 0;
      last = value;
      if (same < 10) throw new Error(`it still moves: ${value}`);
      return value;
    },
    { within: 60_000, every: 100 },
  );
}
