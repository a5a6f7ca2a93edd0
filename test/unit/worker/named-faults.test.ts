import { KubernetesApiError } from "@node-agent/kubernetes";
import { expect, test } from "vitest";
import { shardOf } from "../../../packages/shared/src/contract/keys.ts";
import { MINUTE } from "../../../packages/shared/src/core/time.ts";
import { dependencyOf, type Dependency } from "../../../packages/shared/src/ports/dependency.ts";
import { RedisError } from "../../../packages/shared/src/redis/redis-error.ts";
import { aNode } from "../../../packages/shared/src/testing/builders.ts";
import { intercept, onceAt } from "./intercept.ts";
import { World } from "./world.ts";

/** The faults that the journal was told: reason and words. */
function faultsOf(world: World): unknown[][] {
  return world.journal.lines.filter(({ kind }) => kind === "fault").map(({ args }) => [args[0], args[1]]);
}

/** What an adapter throws. */
function faultOf(dependency: Dependency): Error {
  return Object.assign(new Error("away"), { dependency });
}

/** A node whose reboot is due; the first call of `point` fails with `error`. */
async function runWithFault(point: string, error: Error): Promise<World> {
  const world = new World();
  await world.due();
  await world.runWith(onceAt(point, async () => Promise.reject(error)));
  return world;
}

test.each([
  ["the node", "reader.read", "Kubernetes"],
  ["the ledger", "ledger.read", "Kubernetes"],
  ["the VM", "executor.resolve", "Cloud"],
])("%s cannot be read: the fault names who was asked (%s: %s)", async (_what, point, dependency) => {
  const world = await runWithFault(point, new Error("away"));
  expect(faultsOf(world)).toEqual([[dependency, "away"]]);
  expect(world.rebooted).toEqual([]);
});

test("the fleet cannot be listed: the fault names Kubernetes", async () => {
  const world = new World();
  await world.due();
  world.lister.fault = new Error("away");
  await world.run();
  expect(faultsOf(world)).toEqual([["Kubernetes", "away"]]);
});

test.each<Dependency>(["Redis", "Kubernetes"])(
  "opening the ledger asks Redis and Kubernetes: the fault names the one that failed (%s)",
  async (dependency) => {
    const point = dependency === "Redis" ? "memory.raise" : "ledger.read";
    const world = await runWithFault(point, faultOf(dependency));
    expect(faultsOf(world)).toEqual([[dependency, "away"]]);
    expect(world.rebooted).toEqual([]);
  },
);

test.each([
  ["memory.raise", "Redis"],
  ["ledger.read", "Kubernetes"],
  ["reader.read", "Kubernetes"],
] as const)("a verdict that cannot be given names who failed (%s: %s)", async (point, dependency) => {
  const world = new World();
  await world.due();
  await world.run();
  expect(world.rebooted).toEqual(["node-1"]);
  await world.watch(2 * MINUTE);
  await world.seeAndJudge(aNode().bootId("boot-2"));
  await world.watch(2 * MINUTE);
  await world.runWith(onceAt(point, async () => Promise.reject(faultOf(dependency))));
  expect(faultsOf(world)).toEqual([[dependency, "away"]]);
  expect(world.journal.count("verified")).toBe(0);
});

test.each([
  ["Redis", faultOf("Redis")],
  ["Unexpected", new TypeError("away")],
])("a shard that cannot be judged names what failed (%s)", async (reason, error) => {
  const world = new World();
  await world.see(aNode());
  const store = intercept("store", world.store, async (point, call) => {
    if (point === "store.commit") throw error;
    return call();
  });
  const shard = shardOf("node-1");
  await expect(world.evaluator({ store }).run(shard)).rejects.toThrow("away");
  expect(faultsOf(world)).toEqual([[reason, `shard ${shard}: away`]]);
});

test("an error names a dependency in a field of its own, and no other word", () => {
  expect(dependencyOf(faultOf("Cloud"))).toBe("Cloud");
  expect(dependencyOf(Object.assign(new Error("away"), { dependency: "Moon" }))).toBeUndefined();
  expect(dependencyOf({ dependency: "Redis" })).toBeUndefined();
  expect(dependencyOf(new KubernetesApiError("Timeout", "away"))).toBe("Kubernetes");
  const cause = new Error("ECONNREFUSED");
  const named = RedisError.of(cause);
  expect(named).toMatchObject({ dependency: "Redis", message: "ECONNREFUSED", cause });
  expect(RedisError.of(named)).toBe(named);
  expect(RedisError.of(5).message).toBe("unknown error");
});
