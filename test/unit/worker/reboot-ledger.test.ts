import { beforeEach, describe, expect, test } from "vitest";
import type { LedgerOutcome } from "../../../packages/shared/src/core/ledger/ledger.ts";
import { withIntent, withOutcome } from "../../../packages/shared/src/core/ledger/steps.ts";
import { LEDGER_TIMINGS } from "../../../packages/shared/src/core/ledger/timings.ts";
import { MINUTE, SECOND } from "../../../packages/shared/src/core/time.ts";
import { aNode, instanceIdOf } from "../../../packages/shared/src/testing/builders.ts";
import { onceAt } from "./intercept.ts";
import { TIMINGS, WINDOW, World } from "./world.ts";

let world: World;
beforeEach(() => {
  world = new World();
});

describe("a reboot in active mode", () => {
  test("has its intent in the ledger before the call, and the outcome after it", async () => {
    await world.due(aNode().label("topology.kubernetes.io/zone", "z1"));
    let during: unknown;
    world.executor.onReboot = async () => {
      during = await world.entry();
      return { outcome: "Accepted", detail: "202" };
    };
    const now = world.clock.now();
    await world.run();
    const intent = {
      instanceId: instanceIdOf("node-1"),
      node: "node-1",
      pool: "pool-1",
      zone: "z1",
      checker: "NodeReady",
      bootIdBefore: "boot-node-1-1",
      attempt: 1,
      token: "token-1",
      by: "worker-1",
      gpu: false,
      at: now,
      notBefore: now + WINDOW,
    };
    expect(during).toMatchObject({ ...intent, outcome: "Intent" });
    expect(await world.entry()).toMatchObject({ ...intent, outcome: "Accepted" });
  });

  test("without a ledger at hand sends nothing", async () => {
    await world.due();
    const run = await world.run("node-1", { ledger: undefined });
    expect(run).toMatchObject({
      step: "WaitUntil",
      why: expect.stringContaining("active mode without a ledger"),
    });
    expect(world.rebooted).toEqual([]);
  });

  test("is held by the ledger's window when Redis forgot the reboot", async () => {
    await world.due();
    await world.run();
    world.flushRedis();
    await world.due();
    await world.watch(MINUTE);
    expect(await world.run()).toMatchObject({
      step: "WaitUntil",
      gate: "WaitWindow",
      why: "reboot 1 (Accepted) keeps its wait",
    });
    expect(world.rebooted).toEqual(["node-1"]);
  });

  test("that turned out too late tells the ledger that nothing was sent, which opens the window after a pause", async () => {
    await world.due();
    await world.runWith(
      onceAt("ledger.compareAndWrite", async (call) => {
        const value = await call();
        world.clock.advance(TIMINGS.sendDeadline + 1);
        return value;
      }),
    );
    expect(world.rebooted).toEqual([]);
    expect(await world.entry()).toMatchObject({
      outcome: "NotSent",
      attempt: 0,
      notBefore: world.clock.now() + TIMINGS.blockedRetry,
    });
    await world.watch(TIMINGS.blockedRetry);
    await world.run();
    expect(world.rebooted).toEqual(["node-1"]);
  });

  test("of a VM that the ledger knows to have GPUs keeps their window, whatever the node says now", async () => {
    await world.due(aNode().gpu(8), aNode().gpu(8).notReady());
    await world.run();
    world.flushRedis();
    await world.due();
    await world.watch(WINDOW);
    expect(await world.run()).toMatchObject({ gate: "WaitWindow" });
    await world.watch(30 * MINUTE);
    expect(await world.run()).toMatchObject({
      step: "WaitUntil",
      gate: "WaitWindow",
      for: WINDOW + 30 * MINUTE,
    });
    expect(world.rebooted).toEqual(["node-1", "node-1"]);
    expect(await world.entry()).toMatchObject({
      gpu: true,
      notBefore: world.clock.now() + WINDOW + 30 * MINUTE,
    });
  });
});

describe("the write of the intent", () => {
  const lost: [string, (call: () => Promise<unknown>) => Promise<unknown>][] = [
    ["was done", async (call) => call().then(() => ({ outcome: "Unknown", why: "reset" }))],
    ["was not done", async () => ({ outcome: "Unknown", why: "reset" })],
  ];
  test.each(lost)(
    "whose answer was lost, and that %s: no call, and the window is kept",
    async (_, answer) => {
      await world.due();
      const run = await world.runWith(onceAt("ledger.compareAndWrite", answer));
      expect(run).toMatchObject({ step: "WaitUntil", why: expect.stringContaining("nothing sent") });
      expect(world.rebooted).toEqual([]);
      expect(await world.record()).toMatchObject({
        phase: "WaitingReboot",
        incident: { attempts: 1 },
        lastReboot: { outcome: "Unknown", waitUntil: world.clock.now() + WINDOW },
      });
      await world.watch(WINDOW - SECOND);
      expect(await world.run()).toMatchObject({ step: "WaitUntil", gate: "WaitWindow" });
      await world.watch(SECOND);
      await world.run();
      expect(world.rebooted).toEqual(["node-1"]);
    },
  );

  test.each([
    ["Refused", TIMINGS.blockedRetry, "Refused", 1],
    // Others wrote first: nothing failed, and it does not wait for a minute.
    ["Conflict", TIMINGS.blockedRetry / 60, "other workers wrote to the ledger first", 0],
  ] as const)(
    "that ends in %s again and again: no call, it does not count, and the job looks again",
    async (outcome, pause, why, failures) => {
      await world.due();
      const run = await world.runWith(async (point, call) =>
        point === "ledger.compareAndWrite" ? { outcome, why: "no" } : call(),
      );
      expect(run).toMatchObject({
        step: "WaitUntil",
        for: pause,
        why: expect.stringContaining(why),
      });
      expect(world.rebooted).toEqual([]);
      expect(world.journal.count("answered")).toBe(failures);
      expect(await world.record()).toMatchObject({ phase: "Unhealthy", incident: { attempts: 0 } });
      expect(await world.entry()).toBeUndefined();
      await world.watch(pause);
      await world.run();
      expect(world.rebooted).toEqual(["node-1"]);
    },
  );

  test("that came after another reboot's write is tried again on the newer ledger, and the call is made", async () => {
    await world.due();
    await world.runWith(
      onceAt("ledger.compareAndWrite", async (call) => {
        await intendByAnother("vm-of-another-pool", "pool-2", "Cured");
        return call();
      }),
    );
    expect(world.rebooted).toEqual(["node-1"]);
    const { entries } = await world.readLedger();
    expect([...entries.keys()].toSorted()).toEqual([instanceIdOf("node-1"), "vm-of-another-pool"].toSorted());
  });

  test.each([
    ["a reboot of the same VM", () => instanceIdOf("node-1"), "pool-1"],
    ["one that used up the budget of the pool", () => "another-vm", "pool-1"],
  ])("that came after %s: the newer ledger holds it back", async (_, instanceId, pool) => {
    await world.due();
    const run = await world.runWith(
      onceAt("ledger.compareAndWrite", async (call) => {
        await intendByAnother(instanceId(), pool);
        return call();
      }),
    );
    expect(run).toMatchObject({
      step: "WaitUntil",
      why: expect.stringContaining("wrote to the ledger first"),
    });
    expect(world.rebooted).toEqual([]);
    expect(await world.record()).toMatchObject({ incident: { attempts: 0 } });
    await world.watch(MINUTE);
    await world.run();
    expect(world.rebooted).toEqual([]);
  });

  test("that hangs is given up at its deadline, and nothing is called", async () => {
    await world.due();
    world.ledger.compareAndWrite = async (_next, _seen, signal) => {
      const closed = new Promise<void>((resolve) => signal?.addEventListener("abort", () => resolve()));
      world.clock.advance(TIMINGS.readDeadline);
      await closed;
      return { outcome: "Unknown", why: "aborted" };
    };
    expect(await world.run()).toMatchObject({ step: "WaitUntil", why: expect.stringContaining("aborted") });
    expect(world.rebooted).toEqual([]);
  });
});

describe("the write of the outcome", () => {
  test.each<[string, () => Promise<unknown>]>([
    ["is refused", async () => ({ outcome: "Refused", why: "403" })],
    [
      "breaks",
      async () => {
        throw new Error("503");
      },
    ],
  ])("%s: the intent stands, counts as a reboot and keeps its window", async (_, answer) => {
    await world.due();
    let writes = 0;
    await world.runWith(async (point, call) => {
      if (point !== "ledger.compareAndWrite") return call();
      writes += 1;
      return writes === 1 ? call() : answer();
    });
    expect(world.rebooted).toEqual(["node-1"]);
    expect(await world.entry()).toMatchObject({ outcome: "Intent" });
    expect(await world.record()).toMatchObject({ lastReboot: { outcome: "Accepted" } });
    world.flushRedis();
    await world.due();
    expect(await world.run()).toMatchObject({ gate: "WaitWindow" });
    expect(world.rebooted).toEqual(["node-1"]);
  });

  test("meets other writers and comes through", async () => {
    await world.due();
    let conflicts = 0;
    await world.runWith(async (point, call) => {
      if (point !== "ledger.compareAndWrite" || world.executor.calls.length === 0 || conflicts === 5)
        return call();
      conflicts += 1;
      return { outcome: "Conflict", why: "409" };
    });
    expect(await world.entry()).toMatchObject({ outcome: "Accepted" });
  });
});

test("an entry of somebody else's intent for this VM keeps its window too", async () => {
  await world.due();
  const reading = await world.ledger.read();
  if (reading.state !== "Found") throw new Error(reading.why);
  const now = world.clock.now();
  const intent = {
    instanceId: instanceIdOf("node-1"),
    node: "node-1",
    attempt: 1,
    token: "theirs",
    gpu: false,
  };
  const writer = { by: "worker-2", clocks: { earliest: now, latest: now } };
  await world.ledger.compareAndWrite(withIntent(reading.ledger, intent, WINDOW, writer), reading.version);
  expect(await world.run()).toMatchObject({ gate: "WaitWindow", at: now + WINDOW });
  expect(world.rebooted).toEqual([]);
});

/** Another worker writes its intent to reboot this VM. */
async function intendByAnother(
  instanceId: string,
  pool: string,
  outcome: LedgerOutcome = "Intent",
): Promise<void> {
  const reading = await world.ledger.read();
  if (reading.state !== "Found") throw new Error(reading.why);
  const now = world.clock.now();
  const intent = { instanceId, node: "node-9", pool, attempt: 1, token: "t", gpu: false };
  // Longer ago than the least time between two reboots.
  const clocks = { earliest: now - 31 * SECOND, latest: now - 31 * SECOND };
  const writer = { by: "other", clocks };
  const intended = withIntent(reading.ledger, intent, WINDOW, writer);
  const next = withOutcome(intended, instanceId, "t", outcome, writer, LEDGER_TIMINGS);
  await world.ledger.compareAndWrite(next, reading.version);
}
