import { describe, expect, test } from "vitest";
import { DEFAULT_BREAKER, DEFAULT_CURE_RATE, DEFAULT_LIMITS } from "@node-agent/shared/core/storm/policy.ts";
import { TIMES, type ConfigPart } from "../support/agent-config.ts";
import { eventually } from "../support/eventually.ts";
import { useTopology, type Topology } from "../support/topology.ts";

const GPU_NODES = Array.from({ length: 30 }, (_, i) => `gpu-${i + 1}`);
const STANDARD_NODES = Array.from({ length: 60 }, (_, i) => `standard-${i + 1}`);

/** Limits, breaker and cure rate as they are by default. */
function defaultGuards(): ConfigPart {
  return {
    limits: DEFAULT_LIMITS,
    breaker: { ...DEFAULT_BREAKER, youngFor: "24h" },
    cureRate: DEFAULT_CURE_RATE,
  };
}

/**
 * A node fails by the checker with the longest threshold: when it was rebooted and is well, whatever else was seen failing
 * before had its time.
 */
async function untilEveryThresholdHasPassed(topology: Topology, node: string): Promise<void> {
  expect(TIMES.threshold.DiskPressure).toBe(Math.max(...Object.values(TIMES.threshold)));
  await topology.simulator.break(node, "disk-pressure");
  expect(await topology.recovered(node)).toHaveLength(1);
}

/** Every GPU node is Healthy, its GPUs are skipped as allocated by DRA, and nothing is pending. */
async function allAllocatedByDra(topology: Topology): Promise<void> {
  await eventually(
    async () => {
      const records = await topology.records();
      const gpu = records.filter(({ name }) => name.startsWith("gpu-"));
      expect(gpu.filter(({ skipped }) => skipped?.GPU?.reason === "AllocatedByDRA")).toHaveLength(
        GPU_NODES.length,
      );
      expect(gpu.filter(({ phase }) => phase !== "Healthy").map(({ name }) => name)).toEqual([]);
    },
    { within: 30_000, every: 100 },
  );
}

describe.each([
  ["by labels", true],
  ["by ResourceSlices alone", false],
])("30 of 90 nodes move to a DRA driver, node by node, told %s", (_, labelled) => {
  const topology = useTopology({
    pools: [
      { name: "gpu", nodeNames: GPU_NODES, gpus: 8 },
      { name: "standard", nodeNames: STANDARD_NODES },
    ],
    watchers: 2,
    workers: 2,
    config: defaultGuards(),
  });

  test("none of them is rebooted under default guards, and a dead standard node beside them is", async () => {
    const { simulator } = topology();
    await eventually(async () => expect(await topology().records()).toHaveLength(90));
    for (const [i, node] of GPU_NODES.entries()) {
      await simulator.command({ do: "allocate-gpus", node, by: "dra", labelled });
      if (i === 10) await simulator.break("standard-1", "kubelet-dead");
    }
    expect(await topology().recovered("standard-1")).toHaveLength(1);
    await untilEveryThresholdHasPassed(topology(), "standard-2");
    await allAllocatedByDra(topology());
    const rebooted = (await simulator.reboots()).map(({ node }) => node);
    expect(rebooted).toEqual(["standard-1", "standard-2"]);
    const skipped = { checker: "GPU", result: "AllocatedByDRA" };
    const [worker] = topology().workers();
    expect(await worker?.metric("civo_node_agent_checker_skipped_nodes", skipped)).toBe(GPU_NODES.length);
    // Told at least once: two workers that judge a node by the same bytes in the same millisecond both count as its writer.
    const told = topology().logs({ event: "Notice", reason: "CheckerSkipped" });
    const skips = told.map(({ node, detail }) => `${String(node)}: ${String(detail).split(":")[0]}`);
    expect([...new Set(skips)].toSorted()).toEqual(
      GPU_NODES.map((node) => `${node}: GPU/AllocatedByDRA`).toSorted(),
    );
  });
});
