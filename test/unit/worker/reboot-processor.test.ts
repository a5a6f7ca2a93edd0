import { beforeEach, describe, expect, test } from "vitest";
import { DEFAULT_POLICY } from "../../../packages/shared/src/core/policy.ts";
import { MINUTE, SECOND } from "../../../packages/shared/src/core/time.ts";
import type { RebootReceipt, ResolveFailure } from "../../../packages/shared/src/ports/executor.ts";
import { createNopExecutor } from "../../../packages/shared/src/runtime/nop-executor.ts";
import { aNode } from "../../../packages/shared/src/testing/builders.ts";
import { CallBrake } from "../../../packages/worker/src/call-brake.ts";
import { limitsOfCounts } from "../../support/limits.ts";
import { TIMINGS, WINDOW, World } from "./world.ts";

let world: World;
beforeEach(() => {
  world = new World();
});

const calls = () => world.executor.calls.length;

describe("a due reboot", () => {
  test("is called once and waits its window", async () => {
    await world.due();
    const run = await world.run();
    expect(world.executor.calls.map(({ target }) => target.hostname)).toEqual(["node-1"]);
    expect(run).toMatchObject({ step: "WaitUntil", gate: "WaitWindow", for: WINDOW });
    expect(await world.record()).toMatchObject({
      phase: "WaitingReboot",
      incident: { attempts: 1 },
      lastReboot: { number: 1, outcome: "Accepted", waitUntil: world.clock.now() + WINDOW },
    });
  });

  test("is not called again inside its window, however often the job runs by hand", async () => {
    await world.due();
    for (let i = 0; i < 100; i += 1) {
      expect(await world.run()).toMatchObject({ step: "WaitUntil", gate: "WaitWindow" });
      await world.watch(5 * SECOND);
    }
    expect(calls()).toBe(1);
  });

  test("has its intent in the store before the call, and the outcome after it", async () => {
    await world.due();
    let during: unknown;
    world.executor.onReboot = async () => {
      during = (await world.record())?.lastReboot?.outcome;
      return { outcome: "Accepted", detail: "202" };
    };
    await world.run();
    expect(during).toBe("Intent");
    expect((await world.record())?.lastReboot?.outcome).toBe("Accepted");
    expect(world.journal.lines.map(({ kind }) => kind).slice(-2)).toEqual(["requested", "answered"]);
  });

  test("comes again after the wait and the ledger's margin while the node still fails, and stops after the last attempt", async () => {
    await world.due();
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      await world.run();
      expect(calls()).toBe(attempt);
      await world.seeAndJudge(
        aNode()
          .notReady()
          .bootId(`boot-${attempt + 1}`),
      );
      await world.watch(WINDOW);
    }
    expect(await world.run()).toMatchObject({ step: "Finish", gate: "Attempts" });
    expect(calls()).toBe(3);
    expect((await world.record())?.phase).toBe("Failed");
  });

  test("of a node with GPUs waits 30 minutes longer", async () => {
    await world.due(aNode().gpu(8), aNode().gpu(8).notReady());
    expect(await world.run()).toMatchObject({ for: WINDOW + 30 * MINUTE });
  });

  test("of a VM that the cloud knows to have GPUs waits 30 minutes longer, though no snapshot showed one", async () => {
    await world.due();
    world.executor.onResolve = () => ({
      ok: true,
      target: { instanceId: "i", hostname: "node-1" },
      gpuCount: 8,
    });
    expect(await world.run()).toMatchObject({ for: WINDOW + 30 * MINUTE });
  });
});

describe("what holds a reboot back", () => {
  test("a threshold that has not passed", async () => {
    await world.store.beat(0);
    await world.seeAndJudge(aNode());
    await world.seeAndJudge(aNode().notReady());
    await world.watch(5 * MINUTE - SECOND);
    expect(await world.run()).toMatchObject({ step: "WaitUntil", gate: "Threshold", for: SECOND });
    expect(world.reader.reads).toEqual([]);
    expect(calls()).toBe(0);
  });

  test("a wait that was forged to last for ever sends the job to sleep for the longest wait, and no longer", async () => {
    await world.due();
    await world.run();
    const { record, version } = await world.store.get("node-1");
    const lastReboot = { ...record!.lastReboot!, waitUntil: 8e15 };
    await world.store.compareAndSet("node-1", version, { ...record!, lastReboot });
    expect(await world.run()).toMatchObject({ step: "WaitUntil", gate: "WaitWindow", for: 40 * MINUTE });
  });

  test("a cluster that nobody has seen lately", async () => {
    await world.due();
    world.clock.advance(91 * SECOND);
    expect(await world.run()).toMatchObject({ step: "WaitUntil", gate: "Blind" });
    expect(calls()).toBe(0);
  });

  test("a fresh read that finds the node healthy: it recovers at once", async () => {
    await world.due();
    world.reader.set(aNode().resourceVersion(5000).snapshot());
    expect(await world.run()).toMatchObject({ step: "Finish", gate: "NothingFailing" });
    expect(await world.record()).toMatchObject({ phase: "Healthy", failing: {} });
    expect(world.executor.resolves).toBe(0);
    expect(calls()).toBe(0);
  });

  test("a fresh read that finds no node", async () => {
    await world.due();
    world.reader.nodes.clear();
    expect(await world.run()).toMatchObject({ step: "Finish", gate: "NothingFailing" });
    expect(calls()).toBe(0);
  });

  test("a fresh read that finds another machine under the name", async () => {
    await world.due();
    const other = aNode().uid("uid-2").providerId("civo://another-vm").notReady();
    world.reader.set(other.resourceVersion(5000).snapshot());
    expect((await world.run()).step).toBe("WaitUntil");
    expect(await world.record()).toMatchObject({ uid: "uid-2" });
    expect(calls()).toBe(0);
    expect(world.executor.resolves).toBe(0);
  });

  test("a fresh read that fails", async () => {
    await world.due();
    world.reader.fault = new Error("503 from the API server");
    expect(await world.run()).toMatchObject({
      step: "WaitUntil",
      gate: "NodeUnreadable",
      why: "503 from the API server",
      for: TIMINGS.blockedRetry,
    });
    expect(calls()).toBe(0);
    world.reader.fault = undefined;
    await world.run();
    expect(calls()).toBe(1);
  });

  test.each<[ResolveFailure, string]>([
    ["NotFound", "Identity"],
    ["IdentityMismatch", "Identity"],
    ["BadState", "Cloud"],
    ["Unauthorized", "Cloud"],
    ["Misconfigured", "Cloud"],
    ["RateLimited", "Cloud"],
    ["Unavailable", "Cloud"],
  ])("a VM that cannot be named: %s is held by %s and leaves no intent", async (failure, gate) => {
    await world.due();
    world.executor.onResolve = () => ({ ok: false, failure, detail: "no", retryAfter: 77 * SECOND });
    expect(await world.run()).toMatchObject({ step: "WaitUntil", gate, for: 77 * SECOND });
    expect(calls()).toBe(0);
    expect((await world.record())?.lastReboot).toBeUndefined();
    expect(world.journal.count("fault")).toBe(1);
  });

  test("the brake of the process: no intent, and the job looks again soon, since another worker may have none", async () => {
    const brake = new CallBrake(world.clock, limitsOfCounts({ cluster: 1 }, { rate: 10 }));
    await world.due();
    for (let i = 0; i < 2; i += 1) expect(brake.claim(13).send()).toBe(true);
    const run = await world.run("node-1", { brake });
    expect(run).toMatchObject({ step: "WaitUntil", gate: "RateLimit", for: TIMINGS.blockedRetry });
    expect(calls()).toBe(0);
    expect((await world.record())?.lastReboot).toBeUndefined();
    await world.watch(TIMINGS.blockedRetry);
    expect(await world.run("node-1", { brake })).toMatchObject({ gate: "RateLimit" });
    const another = new CallBrake(world.clock, limitsOfCounts({ cluster: 1 }, { rate: 10 }));
    await world.run("node-1", { brake: another });
    expect(calls()).toBe(1);
  });

  test("a record that cannot be read", async () => {
    await world.due();
    world.store.records.set("node-1", { version: 9, json: "damage" });
    expect(await world.run()).toMatchObject({
      step: "Finish",
      why: expect.stringContaining("record of node-1"),
    });
    expect(calls()).toBe(0);
  });

  test("a clock started in the other mode", async () => {
    await world.due();
    const other = new World({ ...DEFAULT_POLICY, monitorOnly: true });
    expect(await world.run("node-1", { rules: other.rules })).toMatchObject({
      step: "WaitUntil",
      gate: "Mode",
    });
    expect(calls()).toBe(0);
  });
});

describe("monitor-only", () => {
  test("records what it would have done and calls nothing", async () => {
    world = new World({ ...DEFAULT_POLICY, monitorOnly: true });
    await world.due();
    const run = await world.run("node-1", { executor: createNopExecutor() });
    expect(run).toMatchObject({ step: "WaitUntil", gate: "WaitWindow", for: 10 * MINUTE });
    expect(await world.record()).toMatchObject({
      phase: "WaitingReboot",
      monitorOnly: true,
      lastReboot: { outcome: "Simulated", number: 1 },
    });
  });

  test("calls no cloud even when it was wired to one (I5)", async () => {
    world = new World({ ...DEFAULT_POLICY, monitorOnly: true });
    await world.due();
    await world.run();
    expect(calls()).toBe(0);
    expect((await world.record())?.lastReboot?.outcome).toBe("Simulated");
  });
});

const answer = async (receipt: RebootReceipt) => {
  await world.due();
  world.executor.onReboot = () => receipt;
  return world.run();
};

describe("the answer of the cloud", () => {
  test("Accepted: the wait is the window of the ledger, from the intent on", async () => {
    await world.due();
    world.executor.onReboot = () => {
      world.clock.advance(7 * SECOND);
      return { outcome: "Accepted", detail: "202" };
    };
    expect(await world.run()).toMatchObject({ for: WINDOW - 7 * SECOND });
    const waitUntil = world.clock.now() + WINDOW - 7 * SECOND;
    expect((await world.record())?.lastReboot?.waitUntil).toBe(waitUntil);
    expect((await world.entry())?.notBefore).toBe(waitUntil);
  });

  test("Unknown: counts as a reboot and keeps the window that the intent reserved", async () => {
    const run = await answer({ outcome: "Unknown", detail: "connection closed" });
    expect(run).toMatchObject({ step: "WaitUntil", gate: "WaitWindow", for: WINDOW });
    expect(await world.record()).toMatchObject({
      phase: "WaitingReboot",
      incident: { attempts: 1 },
      lastReboot: { outcome: "Unknown", waitUntil: world.clock.now() + WINDOW },
    });
  });

  test("NotSent: does not count and is tried again after the pause", async () => {
    const run = await answer({ outcome: "NotSent", detail: "ECONNREFUSED" });
    expect(run).toMatchObject({ step: "WaitUntil", for: TIMINGS.blockedRetry });
    expect(await world.record()).toMatchObject({ phase: "Unhealthy", incident: { attempts: 0 } });
    await world.watch(TIMINGS.blockedRetry);
    world.executor.onReboot = () => ({ outcome: "Accepted", detail: "202" });
    await world.run();
    expect(calls()).toBe(1);
    expect((await world.record())?.incident?.attempts).toBe(1);
  });

  test("Rejected: does not count, and the cloud's own pause is respected", async () => {
    const run = await answer({
      outcome: "Rejected",
      failure: "RateLimited",
      detail: "429",
      retryAfter: 2 * MINUTE,
    });
    expect(run).toMatchObject({ step: "WaitUntil", for: 2 * MINUTE });
    expect(await world.record()).toMatchObject({ phase: "Unhealthy", incident: { attempts: 0 } });
    await world.run();
    await world.watch(2 * MINUTE - SECOND);
    await world.run();
    expect(calls()).toBe(1);
  });

  test("Rejected with a shorter pause than ours waits for ours", async () => {
    const run = await answer({ outcome: "Rejected", failure: "BadState", detail: "409", retryAfter: SECOND });
    expect(run).toMatchObject({ for: TIMINGS.blockedRetry });
  });

  test("an executor that breaks its promise and throws leaves the intent, which counts", async () => {
    await world.due();
    world.executor.onReboot = () => {
      throw new Error("a bug");
    };
    await expect(world.run()).rejects.toThrow("a bug");
    expect((await world.record())?.lastReboot?.outcome).toBe("Intent");
    await world.watch(10 * MINUTE);
    expect(await world.run()).toMatchObject({ gate: "WaitWindow" });
    expect(calls()).toBe(1);
  });

  test("a detail of any length is cut before it is stored", async () => {
    await answer({ outcome: "Accepted", detail: "x".repeat(100_000) });
    expect((await world.record())?.lastReboot?.detail.length).toBeLessThanOrEqual(512);
  });

  test("a recovery judged while the call was under way is not undone by its answer", async () => {
    await world.due();
    world.executor.onReboot = async () => {
      await world.seeAndJudge(aNode().bootId("boot-2"));
      return { outcome: "Accepted", detail: "202" };
    };
    await world.run();
    expect(await world.record()).toMatchObject({ phase: "Healthy", lastReboot: { outcome: "Accepted" } });
  });

  test("a node that vanished while the call was under way leaves no record behind", async () => {
    await world.due();
    world.executor.onReboot = async () => {
      world.store.records.clear();
      return { outcome: "Accepted", detail: "202" };
    };
    await world.run();
    expect(await world.record()).toBeUndefined();
    expect(world.journal.count("answered")).toBe(1);
  });
});
