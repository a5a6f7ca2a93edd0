import { expect, test } from "vitest";
import { aNode } from "@node-agent/shared/testing/builders.ts";
import { TIMES } from "../support/agent-config.ts";
import { eventually } from "../support/eventually.ts";
import { useTopology } from "../support/topology.ts";

const NODES = Array.from({ length: 8 }, (_, i) => `sliced-${i + 1}`);

const topology = useTopology({
  pools: [
    { name: "gpu", nodeNames: NODES, gpus: 8 },
    { name: "control", nodeNames: ["control"] },
  ],
  // A kubelet that says nothing new for long: a node stays as it was shown.
  simulator: { timings: { statusPeriod: "1m" } },
});

/** The node reads as a device plugin without GPU feature discovery shows it: units, and no label that explains them. */
async function offer(node: string, units: number): Promise<void> {
  const object = aNode().resource("nvidia.com/gpu", units).raw();
  await topology().simulator.command({ do: "show", node, object, sick: false });
}

async function untilUnitsAre(units: number): Promise<void> {
  await eventually(
    async () => {
      for (const node of NODES) expect((await topology().record(node))?.gpu?.units, node).toBe(units);
    },
    { within: 30_000, every: 100 },
  );
}

test("time-slices that change node by node, 16 to 8 to 16 to 4, without labels: no node is rebooted", async () => {
  const { simulator } = topology();
  for (const node of NODES) await offer(node, 16);
  await untilUnitsAre(16);
  for (const node of NODES) await offer(node, 8);
  await eventually(async () => {
    const records = await Promise.all(NODES.map(async (node) => topology().record(node)));
    expect(records.map((record) => record?.skipped?.GPU?.reason)).toEqual(
      NODES.map(() => "GPULayoutUnknown"),
    );
  });
  for (const node of NODES) await offer(node, 16);
  for (const node of NODES) await offer(node, 4);
  // The checker with the longest threshold asks for a reboot of the control, and the others had their time.
  expect(TIMES.threshold.GPU).toBeLessThan(TIMES.threshold.DiskPressure);
  await simulator.break("control", "disk-pressure");
  expect(await topology().recovered("control")).toHaveLength(1);
  expect((await simulator.reboots()).map(({ node }) => node)).toEqual(["control"]);
  for (const node of NODES) expect((await topology().record(node))?.phase, node).toBe("Healthy");
});
