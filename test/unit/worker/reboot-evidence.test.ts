import { describe, expect, test } from "vitest";
import { MINUTE } from "@node-agent/shared/core/time.ts";
import { aNode } from "@node-agent/shared/testing/builders.ts";
import { FleetWatch } from "../../../packages/worker/src/fleet-watch.ts";
import { World } from "./world.ts";

const GPUS = aNode("node-1").gpu(8);
const LOST = GPUS.gpu(8).resource("nvidia.com/gpu", 0);

async function lost(): Promise<World> {
  const world = new World();
  await world.due(GPUS, LOST);
  await world.watch(6 * MINUTE);
  return world;
}

describe("before a repair that only the GPU checker asks for", () => {
  test("the pods are read, and an absent device plugin holds it", async () => {
    const world = await lost();
    world.evidence.pods();
    expect(await world.run()).toMatchObject({ step: "WaitUntil", gate: "PodEvidence" });
    expect(world.evidence.reads).toEqual(["node-1"]);
    expect(world.executor.calls).toEqual([]);
  });

  test("a worker that may not list pods goes on", async () => {
    const world = await lost();
    await world.run();
    expect(world.executor.calls).toHaveLength(1);
  });

  test("ResourceSlices of a GPU driver end it: the GPUs are allocated by DRA, and the record remembers", async () => {
    const world = await lost();
    world.evidence.drivers("gpu.nvidia.com");
    expect(await world.run()).toMatchObject({ step: "Finish", gate: "NothingFailing" });
    expect(world.executor.calls).toEqual([]);
    expect(await world.record()).toMatchObject({
      phase: "Healthy",
      gpuHighWater: 0,
      gpu: { draSlices: true },
      skipped: { GPU: { reason: "AllocatedByDRA" } },
    });
    await world.store.markAttention();
    await world.judge();
    expect((await world.record())?.phase).toBe("Healthy");
  });
});

test("a node that is NotReady is repaired without a look at its pods", async () => {
  const world = new World();
  await world.due(GPUS, LOST.notReady());
  await world.watch(6 * MINUTE);
  world.evidence.pods();
  await world.run();
  expect(world.executor.calls).toHaveLength(1);
  expect(world.evidence.reads).toEqual([]);
});

test("a node that DRA took over by its slices is none of the failing ones of the fleet", async () => {
  const world = await lost();
  world.evidence.drivers("gpu.nvidia.com");
  await world.run();
  const health = await new FleetWatch({
    lister: world.lister,
    store: world.store,
    selects: () => true,
    rules: world.rules,
    clock: world.clock,
    shared: MINUTE,
    oldest: MINUTE,
  }).health(async () => world.store.listUnhealthy(), world.clock.now(), new AbortController().signal);
  expect(health).toMatchObject({ nodes: 1, sick: [] });
});
