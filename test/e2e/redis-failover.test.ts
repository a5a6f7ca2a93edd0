import { describe, expect, test } from "vitest";
import { LOG_EVENTS } from "@node-agent/shared/contract/log-events.ts";
import { startClusterRedis } from "../support/cluster-redis.ts";
import { eventually } from "../support/eventually.ts";
import { startSentinelRedis } from "../support/sentinel-redis.ts";
import { untilReady } from "../support/topology-agent.ts";
import { useTopologyOn } from "../support/topology.ts";

const within = 30_000;

describe.each([
  { by: "Sentinels", start: startSentinelRedis },
  { by: "a Redis Cluster", start: startClusterRedis },
])("a failover by $by to a replica that lags behind", ({ start }) => {
  const topology = useTopologyOn(start, {
    pools: [{ name: "standard", nodeNames: ["pending", "forgotten", "unheard", "late", "well"] }],
    watchers: 2,
    workers: 2,
    // Long enough for the repair to be pending when the master dies.
    config: { checkers: { Cilium: { threshold: "10s" } } },
  });

  const untilPending = async (...nodes: readonly string[]): Promise<void> => {
    await eventually(
      async () => {
        for (const node of nodes) expect(await topology().pendingReboot(node), node).toBeDefined();
      },
      { within },
    );
  };

  test("repairs what is due once, and repeats no reboot that the new master never heard of", async () => {
    const { simulator, redis, rebootCalls, recovered, logs } = topology();
    await simulator.break("pending", "cilium-taint");
    await simulator.break("forgotten", "disk-pressure", { curedByReboot: 2 });
    await untilPending("pending", "forgotten");
    await redis.cutReplica();
    await eventually(
      () => expect(logs({ event: LOG_EVENTS.rebootAnswered, node: "forgotten" })).toHaveLength(1),
      { within },
    );
    await simulator.break("unheard", "disk-pressure");
    await untilPending("unheard");
    expect(await rebootCalls("pending")).toEqual([]);
    await redis.killMaster();

    for (const node of ["pending", "unheard"]) {
      expect(await recovered(node)).toHaveLength(1);
      expect(await rebootCalls(node)).toHaveLength(1);
    }
    // The ledger is the authority: the second call came only after the window of the first.
    expect(await recovered("forgotten")).toHaveLength(2);
    expect(await rebootCalls("forgotten")).toHaveLength(2);
    expect(logs({ event: LOG_EVENTS.rebootRecalled, node: "forgotten" })).not.toEqual([]);
  });

  test("leaves every process as it was: the same ones go on by themselves", async () => {
    const agents = [...topology().watchers(), ...topology().workers()];
    await Promise.all(agents.map(untilReady));
    await topology().simulator.break("late", "not-ready");
    expect(await topology().recovered("late")).toHaveLength(1);
    expect(agents.map((agent) => agent.exit())).toEqual(agents.map(() => undefined));
    expect(await topology().rebootCalls("well")).toEqual([]);
  });
});
