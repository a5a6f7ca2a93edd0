import { beforeEach, describe, expect, test } from "vitest";
import type { LiveWorker } from "../../../packages/shared/src/core/hosting.ts";
import { DEFAULT_POLICY, type RepairPolicy } from "../../../packages/shared/src/core/policy.ts";
import { MINUTE, SECOND } from "../../../packages/shared/src/core/time.ts";
import { aNode, type NodeBuilder } from "../../../packages/shared/src/testing/builders.ts";
import { limitsOfCounts } from "../../support/limits.ts";
import { World } from "./world.ts";

/** More than one reboot may be open, so that no limit answers in place of the gate. */
const ROOMY: RepairPolicy = {
  ...DEFAULT_POLICY,
  monitorOnly: false,
  limits: limitsOfCounts({ pool: 1 }),
};
const ON_1: LiveWorker = { id: "a", node: "node-1", monitorOnly: false };
const ON_2: LiveWorker = { id: "b", node: "node-2", monitorOnly: false };
const node = (name: string): NodeBuilder => aNode(name).pool(`pool-${name}`);

/** These nodes of many are due. */
async function dueWorld(names: readonly string[], policy = ROOMY): Promise<World> {
  const made = new World(policy);
  for (let i = 0; i < 60; i += 1) made.reader.set(aNode(`well-${i}`).snapshot());
  await made.store.beat(0);
  for (const name of names) {
    await made.seeAndJudge(node(name));
    await made.seeAndJudge(node(name).notReady());
  }
  await made.watch(5 * MINUTE);
  return made;
}

describe("a worker whose own node is due", () => {
  let world: World;
  beforeEach(async () => {
    world = await dueWorld(["node-1"]);
  });
  const asOwner = async () => world.run("node-1", { whereabouts: world.whereabouts({ self: ON_1 }) });

  test("reboots it when it is alone", async () => {
    await world.workers.beat(ON_1);
    await asOwner();
    expect(world.rebooted).toEqual(["node-1"]);
  });

  test("leaves it to a worker elsewhere, soon, at no cost; and that one reboots it", async () => {
    await world.workers.beat(ON_1);
    await world.workers.beat(ON_2);
    expect(await asOwner()).toMatchObject({
      step: "WaitUntil",
      for: 5 * SECOND,
      gate: "OwnNode",
      why: "the worker runs on it, and 1 other can reboot it",
    });
    expect(world.rebooted).toEqual([]);
    expect(await world.entry("node-1")).toBeUndefined();
    expect(await world.record("node-1")).not.toHaveProperty("lastReboot");
    await world.run("node-1", { whereabouts: world.whereabouts({ self: ON_2 }) });
    expect(world.rebooted).toEqual(["node-1"]);
  });

  test.each<[string, (world: World) => Promise<unknown> | void]>([
    ["takes leave", async ({ workers }) => workers.leave(ON_2)],
    ["is silent for too long", ({ clock }) => clock.advance(31 * SECOND)],
    ["can no longer be asked for", ({ workers }) => void (workers.fault = new Error("READONLY"))],
  ])("reboots it as soon as the other %s", async (_, go) => {
    await world.workers.beat(ON_2);
    expect(await asOwner()).toMatchObject({ gate: "OwnNode" });
    await go(world);
    await asOwner();
    expect(world.rebooted).toEqual(["node-1"]);
  });

  test("is not held by a worker of the other mode, which would reboot nothing", async () => {
    await world.workers.beat({ ...ON_2, monitorOnly: true });
    await asOwner();
    expect(world.rebooted).toEqual(["node-1"]);
  });

  test("tells what is wrong with the node before it tells whose it is", async () => {
    await world.workers.beat(ON_2);
    world.executor.onResolve = () => ({ ok: false, failure: "IdentityMismatch", detail: "two claim it" });
    expect(await asOwner()).toMatchObject({ gate: "Identity" });
  });
});

describe("the node that Redis runs on", () => {
  const PODS = "10.42.1.0/24";

  async function beside(
    world: World,
    redisAddress = "10.42.1.17",
  ): Promise<{ run: () => ReturnType<World["run"]> }> {
    world.reader.addresses.set("node-1", [PODS]);
    const whereabouts = world.whereabouts({ self: ON_2, redisAddresses: async () => [redisAddress] });
    await whereabouts.beat();
    return { run: async () => world.run("node-1", { whereabouts }) };
  }

  test("is rebooted last: after the wait of every other reboot", async () => {
    const world = await dueWorld(["node-1", "node-3"]);
    await world.workers.beat({ id: "c", monitorOnly: false });
    await world.run("node-3");
    const { run } = await beside(world);
    expect(await run()).toMatchObject({
      step: "WaitUntil",
      gate: "OwnNode",
      why: "Redis runs on it, and it goes after 1 open reboot",
    });
    expect(world.rebooted).toEqual(["node-3"]);
    await world.watch(2 * MINUTE);
    await world.seeAndJudge(node("node-3").bootId("boot-2"));
    await world.workers.beat({ id: "c", monitorOnly: false });
    await run();
    expect(world.rebooted).toEqual(["node-3", "node-1"]);
  });

  test("waits for nobody when the worker is alone, when Redis runs elsewhere or when nobody can tell", async () => {
    for (const [address, others] of [
      ["10.42.1.17", []],
      ["10.42.2.17", [ON_1]],
      ["127.0.0.1", [ON_1]],
    ] as const) {
      const world = await dueWorld(["node-1", "node-3"]);
      for (const other of others) await world.workers.beat(other);
      await world.run("node-3");
      const { run } = await beside(world, address);
      await run();
      expect(world.rebooted, address).toEqual(["node-3", "node-1"]);
    }
  });
});
