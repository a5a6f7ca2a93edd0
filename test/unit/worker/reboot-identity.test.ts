import { beforeEach, describe, expect, test } from "vitest";
import { MINUTE, SECOND } from "../../../packages/shared/src/core/time.ts";
import { aNode } from "../../../packages/shared/src/testing/builders.ts";
import { FleetWatch } from "../../../packages/worker/src/fleet-watch.ts";
import { World } from "./world.ts";

let world: World;
beforeEach(async () => {
  world = new World();
  await world.due();
});

describe("a second node that names the same VM", () => {
  const claimed = aNode().snapshot().providerId ?? "";

  test("holds the reboot of both, also when the other one is healthy: its machine would go down", async () => {
    world.reader.set(aNode("node-1b").providerId(claimed).snapshot());
    expect(await world.run()).toMatchObject({
      step: "WaitUntil",
      gate: "Identity",
      why: "node-1b names the same VM",
    });
    expect(world.rebooted).toEqual([]);
    world.reader.nodes.delete("node-1b");
    await world.watch(5 * SECOND);
    await world.run();
    expect(world.rebooted).toEqual(["node-1"]);
  });

  test("holds it also when the configuration leaves the other one out", async () => {
    world.selects = ({ name }) => name === "node-1";
    world.reader.set(aNode("node-1b").providerId(claimed).snapshot());
    expect(await world.run()).toMatchObject({ gate: "Identity" });
  });
});

test("a node that the configuration leaves out is not rebooted, though its job is there and it is due", async () => {
  world.selects = () => false;
  expect(await world.run()).toMatchObject({ step: "WaitUntil", gate: "NotSelected" });
  expect(world.rebooted).toEqual([]);
});

test("a list that was begun too long ago serves nobody: the process stood still while it listed", async () => {
  const { lister, clock } = world;
  const fleet = new FleetWatch({
    lister,
    store: world.store,
    selects: () => true,
    rules: world.rules,
    clock,
    shared: MINUTE,
    oldest: 10 * SECOND,
  });
  const { signal } = new AbortController();
  await fleet.health(async () => [], clock.now(), signal);
  clock.advance(10 * SECOND);
  await fleet.health(async () => [], clock.now(), signal);
  expect(lister.lists).toBe(1);
  clock.advance(1);
  await fleet.health(async () => [], clock.now(), signal);
  expect(lister.lists).toBe(2);
});

describe("a list of the fleet that takes longer than the send deadline", () => {
  test("is made before the deadline starts, and the node is rebooted", async () => {
    const { lister, clock } = world;
    const slow = async function* (signal: AbortSignal) {
      clock.advance(MINUTE / 4);
      await world.store.beat(0);
      yield* lister.list(signal);
    };
    const fleet = new FleetWatch({
      lister: { list: slow },
      store: world.store,
      selects: () => true,
      rules: world.rules,
      clock,
      shared: 2 * SECOND,
      oldest: MINUTE,
    });
    await world.run("node-1", { fleet });
    expect(world.rebooted).toEqual(["node-1"]);
  });
});
