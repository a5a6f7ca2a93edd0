import { setImmediate as turn } from "node:timers/promises";
import { ManualClock } from "@node-agent/shared/testing/manual-clock.ts";
import { newClusterStore } from "../../../packages/simulator/src/kubernetes-api/cluster-store.ts";
import type { ObjectStore } from "../../../packages/simulator/src/kubernetes-api/object-store.ts";
import type { PoolOptions } from "../../../packages/simulator/src/world/births.ts";
import { nodeOf, type NodeObject } from "../../../packages/simulator/src/world/node-object.ts";
import { Random } from "../../../packages/simulator/src/world/random.ts";
import { scaleTimings } from "../../../packages/simulator/src/world/timings.ts";
import { World } from "../../../packages/simulator/src/world/world.ts";

/** Lets `span` pass in small steps, so that whoever wakes can make the next appointment in time. */
export async function pass(clock: ManualClock, span: number, step = 250): Promise<void> {
  await turn();
  for (let passed = 0; passed < span; passed += step) {
    clock.advance(Math.min(step, span - passed));
    await turn();
  }
}

/** A world at its own pace (scale 1) under a clock that the test moves; disposed by `await using`. */
export interface ManualWorld extends AsyncDisposable {
  readonly clock: ManualClock;
  readonly world: World;
  readonly nodes: ObjectStore;
  /** The Node object as the API would show it; throws when there is none. */
  node(name: string): NodeObject;
  pass(span: number): Promise<void>;
}

/** Two standard nodes (`std-1`, `std-2`) and one with eight GPUs (`gpu-1`), unless told otherwise. */
export function manualWorld(pools?: readonly PoolOptions[]): ManualWorld {
  const clock = new ManualClock();
  const { nodes, events } = newClusterStore({
    clock,
    random: new Random(7),
    history: 1000,
    refreshLeases: () => undefined,
    refreshPods: () => undefined,
    refreshSlices: () => undefined,
  });
  const world = new World({
    clock,
    nodes,
    events,
    timings: scaleTimings({}, 1),
    look: { region: "LON1", poolLabel: "both", cni: "cilium", kubeletVersion: "v1.32.4", bulk: false },
    cluster: "unit",
    seed: 1,
    pools: pools ?? [
      { name: "standard", count: 2, nodeNames: ["std-1", "std-2"] },
      { name: "gpu", count: 1, gpus: 8, nodeNames: ["gpu-1"] },
    ],
  });
  return {
    clock,
    world,
    nodes,
    node: (name) => {
      const object = nodes.get(name);
      if (object === undefined) throw new Error(`no Node object ${name}`);
      return nodeOf(object);
    },
    pass: (span) => pass(clock, span),
    [Symbol.asyncDispose]: () => world[Symbol.asyncDispose](),
  };
}
