import { beforeEach, describe, expect, test } from "vitest";
import { withPause } from "../../../packages/shared/src/core/ledger/steps.ts";
import { DEFAULT_POLICY } from "../../../packages/shared/src/core/policy.ts";
import { SECOND } from "../../../packages/shared/src/core/time.ts";
import { aNode } from "../../../packages/shared/src/testing/builders.ts";
import { onceAt, type Around } from "./intercept.ts";
import { TIMINGS, World } from "./world.ts";

const NEVER = new AbortController().signal;
let world: World;
beforeEach(() => {
  world = new World();
});

/** An operator pauses everything in the ledger. */
const pause = async () => {
  const reading = await world.ledger.read();
  if (reading.state !== "Found") throw new Error(reading.why);
  const by = { since: world.clock.now(), by: "ann", reason: "stop" };
  await world.ledger.compareAndWrite(withPause(reading.ledger, { level: "fleet" }, by), reading.version);
};

describe("a pause set after the first look and before the call", () => {
  test.each([
    "store.get",
    "ledger.read",
    "memory.raise",
    "reader.read",
    "store.listUnhealthy",
    "lister.list",
    "executor.resolve",
    "store.compareAndSet",
  ])("just after %s: no call, and the next look names it", async (point) => {
    await world.due();
    await world.runWith(
      onceAt(point, async (call) => {
        const value = await call();
        await pause();
        return value;
      }),
    );
    expect(world.rebooted).toEqual([]);
    await world.watch(TIMINGS.blockedRetry);
    expect(await world.run()).toMatchObject({ step: "WaitUntil", gate: "Paused" });
    expect(world.rebooted).toEqual([]);
  });
});

describe("what the fleet and the node say at the last moment", () => {
  test.each([
    ["ForeignOwner", aNode().notReady().cordoned()],
    ["ForeignOwner", aNode().notReady().taint("ToBeDeletedByClusterAutoscaler")],
    ["OptOut", aNode().notReady().annotation("node-agent.civo.com/opt-out", "true")],
    ["Paused", aNode().notReady().annotation("node-agent.civo.com/paused", "true")],
  ])("%s holds on the fresh read, before the cloud is asked", async (gate, node) => {
    await world.due();
    world.reader.set(node.resourceVersion(5000).snapshot());
    expect(await world.run()).toMatchObject({ step: "WaitUntil", gate });
    expect(world.executor.resolves).toBe(0);
    expect(world.rebooted).toEqual([]);
  });

  test("a record that somebody wrote meanwhile: everything is asked again, and a node that got well is not called", async () => {
    await world.due();
    const around = onceAt("store.compareAndSet", async (call) => {
      await world.seeAndJudge(aNode());
      return call();
    });
    expect(await world.runWith(around)).toMatchObject({ step: "Finish", gate: "NothingFailing" });
    expect(world.rebooted).toEqual([]);
  });

  test("failures in the live list hold, whatever Redis says", async () => {
    await world.due();
    for (const name of ["node-2", "node-3"]) world.reader.set(aNode(name).notReady().snapshot());
    expect(await world.run()).toMatchObject({ step: "WaitUntil", gate: "Breaker" });
    expect(world.rebooted).toEqual([]);
  });

  test("a fleet that cannot be listed holds", async () => {
    await world.due();
    world.lister.fault = new Error("503");
    expect(await world.run()).toMatchObject({ step: "WaitUntil", gate: "Breaker", why: "503" });
    expect(world.rebooted).toEqual([]);
    world.lister.fault = undefined;
    await world.run();
    expect(world.rebooted).toEqual(["node-1"]);
  });

  test("one look at the fleet serves several reboots of a worker for a moment, and no longer", async () => {
    await world.due();
    const { fleet } = world.processorDeps();
    const { signal } = new AbortController();
    await Promise.all([1, 2, 3].map(async () => fleet.health(async () => [], world.clock.now(), signal)));
    expect(world.lister.lists).toBe(1);
    world.clock.advance(2 * SECOND + 1);
    await fleet.health(async () => [], world.clock.now(), signal);
    expect(world.lister.lists).toBe(2);
  });
});

/** The list of instances that the cloud's client reads ahead must be there when a VM is looked up. */
const asked = async (around: Around) => {
  const calls: string[] = [];
  const noted: Around = async (point, call) => {
    if (point.startsWith("executor.")) calls.push(point);
    return around(point, call);
  };
  for (let look = 0; look < 2; look += 1)
    await world.processor(world.processorDeps(noted)).run("node-1", NEVER);
  return calls.slice(0, 2);
};
const inOrder = ["executor.readAhead", "executor.resolve"];

describe("a repair that is allowed only after the first look", () => {
  test("by the next plan has the list of instances read ahead", async () => {
    await world.due();
    await world.plans.publish({ at: world.clock.now(), proceed: [] });
    const planned = onceAt("plans.latest", async (call) => {
      const before = await call();
      await world.plans.publish({ at: world.clock.now(), proceed: ["node-1"] });
      return before;
    });
    expect(await asked(planned)).toEqual(inOrder);
  });

  test("because its threshold passed meanwhile has the list of instances read ahead", async () => {
    await world.seeAndJudge(aNode().notReady());
    await world.watch(DEFAULT_POLICY.checkers.NodeReady.threshold - SECOND);
    const passed = onceAt("store.get", async (call) => {
      const before = await call();
      await world.watch(2 * SECOND);
      return before;
    });
    expect(await asked(passed)).toEqual(inOrder);
  });
});

describe("monitor-only", () => {
  test("keeps no ledger, and says what its limits would say", async () => {
    world = new World({ ...DEFAULT_POLICY, monitorOnly: true });
    world.ledger.overwrite(undefined);
    for (const name of ["node-1", "node-2"]) await world.due(aNode(name));
    for (const name of ["w-1", "w-2"]) world.reader.set(aNode(name).snapshot());
    await world.run("node-1");
    expect((await world.record("node-1"))?.lastReboot?.outcome).toBe("Simulated");
    expect(await world.run("node-2")).toMatchObject({ step: "WaitUntil", gate: "Limit" });
    expect(world.rebooted).toEqual([]);
  });

  test("hears the pauses of the configuration", async () => {
    world = new World({ ...DEFAULT_POLICY, paused: { fleet: false, pools: ["pool-1"], nodes: [] } });
    await world.due();
    expect(await world.run()).toMatchObject({ step: "WaitUntil", gate: "Paused" });
    expect(world.reader.reads).toEqual([]);
  });
});
