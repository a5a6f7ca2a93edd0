import { beforeEach, describe, expect, test } from "vitest";
import type { Drift } from "../../../packages/shared/src/contract/drift.ts";
import { MINUTE, SECOND } from "../../../packages/shared/src/core/time.ts";
import { aNode } from "../../../packages/shared/src/testing/builders.ts";
import { FleetWatch } from "../../../packages/worker/src/fleet-watch.ts";
import { World } from "./world.ts";

let world: World;
let drifts: Drift[];
beforeEach(() => {
  world = new World();
  drifts = [];
});
const onDrift = (drift: Drift): void => void drifts.push(drift);
const STALE = { counts: { Stale: 1, Missing: 0, Extra: 0 }, nodes: ["node-1"] };

/** A sick node whose record somebody else wrote as well, and a judgement of the same snapshot after `age`. */
async function forgotten(age: number): Promise<void> {
  await world.store.beat(0);
  const evaluator = world.evaluator({ onDrift });
  await world.see(aNode());
  for (let shard = 0; shard < 16; shard += 1) await evaluator.run(shard);
  const healthy = await world.store.get("node-1");
  await world.see(aNode().notReady());
  for (let shard = 0; shard < 16; shard += 1) await evaluator.run(shard);
  const sick = await world.store.get("node-1");
  expect(sick.record?.phase).toBe("Unhealthy");
  if (healthy.record === undefined) throw new Error("no record");
  const written = { ...healthy.record, phaseSince: (await world.store.view()).now };
  await world.store.compareAndSet("node-1", sick.version, written);
  world.clock.advance(age);
  for (let shard = 0; shard < 16; shard += 1) {
    await world.store.markAttention();
    await evaluator.run(shard);
  }
  expect((await world.store.get("node-1")).record?.phase).toBe("Unhealthy");
}

describe("a record that its snapshot does not bear out", () => {
  test("is repaired by the judgement of its shard, and counted", async () => {
    await forgotten(MINUTE);
    expect(drifts).toEqual([STALE]);
  });

  test("is not called drift as long as a newer snapshot may be on its way", async () => {
    await forgotten(SECOND);
    expect(drifts).toEqual([]);
  });

  test("nor is what a new snapshot says", async () => {
    await world.store.beat(0);
    const evaluator = world.evaluator({ onDrift });
    for (const node of [aNode(), aNode().notReady(), aNode(), aNode().notReady()]) {
      await world.see(node);
      for (let shard = 0; shard < 16; shard += 1) await evaluator.run(shard);
      world.clock.advance(MINUTE);
    }
    expect(drifts).toEqual([]);
  });
});

const { signal } = new AbortController();
const fleet = () =>
  new FleetWatch({
    lister: world.lister,
    store: world.store,
    selects: () => true,
    rules: world.rules,
    clock: world.clock,
    onDrift,
    shared: MINUTE,
    oldest: 10 * MINUTE,
  });
const place = (version: number) => world.reader.set(aNode("node-1").resourceVersion(version).snapshot());
const freshOf = (version: number) => ({
  node: aNode("node-1").resourceVersion(version).snapshot(),
  since: world.clock.monotonic(),
});

describe("a list of the fleet that contradicts the read of the node", () => {
  test("is not built on: it began after the read, and is older", async () => {
    place(1000);
    const looked = fleet().health(async () => [], 0, signal, freshOf(1203));
    await expect(looked).rejects.toThrow("version 1000 of this node and its read has 1203");
    expect(drifts).toEqual([STALE]);
  });

  test("nor when it ended before the read, and is newer: the next one is made anew", async () => {
    place(1203);
    const watch = fleet();
    await watch.health(async () => [], 0, signal);
    world.clock.advance(1);
    await expect(watch.health(async () => [], 0, signal, freshOf(1000))).rejects.toThrow(
      "an API server is behind",
    );
    place(1000);
    await watch.health(async () => [], 0, signal, freshOf(1000));
    expect(drifts).toEqual([STALE]);
  });

  test.each([
    ["a newer list that began after the read", 1203, 1000],
    ["the same version", 1000, 1000],
  ])("%s is none", async (_, listed, read) => {
    place(listed);
    expect((await fleet().health(async () => [], 0, signal, freshOf(read))).nodes).toBe(1);
    expect(drifts).toEqual([]);
  });

  test("nor is an older list that ended before the read", async () => {
    place(1000);
    const watch = fleet();
    await watch.health(async () => [], 0, signal);
    world.clock.advance(1);
    await watch.health(async () => [], 0, signal, freshOf(1203));
    expect(drifts).toEqual([]);
  });
});
