import { describe, expect, test } from "vitest";
import { createNodeReader } from "@node-agent/kubernetes";
import { createCheckers } from "@node-agent/shared/core/checkers/registry.ts";
import { evaluate } from "@node-agent/shared/core/evaluation.ts";
import { historyOf } from "@node-agent/shared/core/record.ts";
import { toSnapshot } from "@node-agent/shared/core/snapshot.ts";
import { POLICY, useCliWorld } from "./cli-world.ts";

const world = useCliWorld();
const NODE = "node-1";

/** A node that a device plugin offers so many GPUs on, with the labels of GFD. */
async function offers(gpus: number): Promise<void> {
  const labels = { "nvidia.com/gpu.count": String(gpus), "nvidia.com/gpu.replicas": "1" };
  await world().patchNode(NODE, { metadata: { labels } });
  const quantity = { "nvidia.com/gpu": String(gpus) };
  await world().patch(`/api/v1/nodes/${NODE}/status`, {
    status: { capacity: quantity, allocatable: quantity },
  });
}

/** The GPU checker on the node as the API server has it, after 8 GPUs were proven. */
async function judgedAfterEight(): Promise<string> {
  const read = await createNodeReader({ connection: world().kubernetes, project: toSnapshot }).read(NODE);
  if (!read.found) throw new Error("the node is gone");
  const history = { ...historyOf(undefined, read.node.uid, 0), gpuNode: true, gpuHighWater: 8 };
  const { judgements } = evaluate(read.node, createCheckers(POLICY), history);
  const found = judgements.find(({ checker }) => checker === "GPU");
  return `${found?.verdict} ${found?.reason}`;
}

describe("gpu accept", () => {
  test("takes the present number as the expected one, with reason and author on the node", async () => {
    await offers(7);
    expect(await judgedAfterEight()).toBe("Fail GPUCountMismatch");
    const run = await world().cli(["gpu", "accept", NODE, "--reason", "GPU 3 sent back, RMA-17"]);
    expect(run).toMatchObject({ code: 0, err: "" });
    expect(run.out).toMatch(
      /^node node-1: 7 GPUs expected from now on by admin \(ann@desk\) at \S+Z: GPU 3 sent back, RMA-17\n$/u,
    );
    expect(await judgedAfterEight()).toBe("Pass GPUCountMatch");
    const { body } = await world().kubernetes.request(`/api/v1/nodes/${NODE}`);
    expect(body).toMatchObject({
      metadata: {
        annotations: {
          "node-agent.civo.com/accepted-gpus": "7",
          "audit.node-agent.civo.com/accepted-gpus": expect.stringMatching(
            /^7 by admin \(ann@desk\) at \S+Z: GPU 3 sent back, RMA-17$/u,
          ) as unknown,
        },
      },
    });
    await offers(6);
    expect(await judgedAfterEight()).toBe("Fail GPUCountMismatch");
  });

  test("--remove holds the node to what it had before", async () => {
    await offers(7);
    await world().cli(["gpu", "accept", NODE, "--reason", "x"]);
    const run = await world().cli(["gpu", "accept", NODE, "--remove", "--reason", "repaired"]);
    expect(run.out).toMatch(
      /^node node-1: acceptance of 7 ended by admin \(ann@desk\) at \S+Z: repaired\n$/u,
    );
    expect(await judgedAfterEight()).toBe("Fail GPUCountMismatch");
  });

  test("says in JSON what it did", async () => {
    await offers(4);
    const run = await world().cli(["gpu", "accept", NODE, "--reason", "x", "-o", "json"]);
    expect(JSON.parse(run.out)).toMatchObject({
      node: NODE,
      accepted: 4,
      by: "admin (ann@desk)",
      reason: "x",
    });
  });

  test("warns that a device which its plugin reports as unhealthy still fails the node", async () => {
    await offers(8);
    await world().patch(`/api/v1/nodes/${NODE}/status`, {
      status: { allocatable: { "nvidia.com/gpu": "6" } },
    });
    const run = await world().cli(["gpu", "accept", NODE, "--reason", "x"]);
    expect(run.err).toContain("2 of 8 units as unhealthy");
  });

  test.each([
    [["gpu", "accept", "node-2", "--reason", "x"], 1, "node node-2 shows no GPU"],
    [["gpu", "accept", "nobody", "--reason", "x"], 1, "there is no node nobody"],
    [["gpu", "accept", NODE], 2, "--reason"],
    [["gpu", "accept", NODE, "--reason", " "], 2, "--reason"],
  ])("%j is refused with exit code %i", async (argv, code, why) => {
    const run = await world().cli(argv);
    expect(run).toMatchObject({ code });
    expect(run.err).toContain(why);
  });
});
