import { beforeEach, describe, expect, test } from "vitest";
import { aNode } from "../../../packages/shared/src/testing/builders.ts";
import type { RebootDeps } from "../../../packages/worker/src/reboot-transaction.ts";
import { onceAt } from "./intercept.ts";
import { TIMINGS, World } from "./world.ts";

let world: World;
beforeEach(() => {
  world = new World();
});

const calls = () => world.executor.calls.length;

/** Something happens just before the intent. */
const braking = (happens: () => void): RebootDeps["brake"] => ({
  claim: (nodes) => {
    happens();
    return world.processorDeps().brake.claim(nodes);
  },
});

describe("the send deadline", () => {
  test.each<[string, () => void]>([
    ["the process was slow", () => world.clock.advance(TIMINGS.sendDeadline + 1)],
    ["the machine was suspended", () => world.clock.suspend(TIMINGS.sendDeadline + 1)],
    ["the wall clock ran back", () => world.clock.jump(-1)],
    [
      "the process was slow and its wall clock was set back meanwhile",
      () => {
        world.clock.advance(TIMINGS.sendDeadline + 1);
        world.clock.jump(-TIMINGS.sendDeadline / 2);
      },
    ],
    [
      "the process was slow and the wall clock was set back by as much",
      () => {
        world.clock.advance(TIMINGS.sendDeadline + 1);
        world.clock.jump(-TIMINGS.sendDeadline);
      },
    ],
  ])("nothing is sent when %s between the first read and the call", async (_, freeze) => {
    await world.due();
    const before = await world.record();
    expect(await world.run("node-1", { brake: braking(freeze) })).toMatchObject({
      step: "WaitUntil",
      gate: "Deadline",
    });
    expect(calls()).toBe(0);
    // Nothing was written yet: it is no attempt, and no call that was not sent.
    expect(await world.record()).toEqual(before);
    expect(await world.entry()).toBeUndefined();
    expect(world.missed).toHaveLength(1);
  });

  test.each(["store.get", "reader.read", "executor.resolve", "store.compareAndSet"])(
    "a freeze in %s counts too",
    async (where) => {
      await world.due();
      const deps = world.processorDeps(async (point, call) => {
        const value = await call();
        if (point === where) world.clock.advance(TIMINGS.sendDeadline + 1);
        return value;
      });
      await world.run("node-1", deps);
      expect(calls()).toBe(0);
    },
  );

  test.each<[string, () => void]>([
    ["the process was slow", () => world.clock.advance(TIMINGS.sendDeadline + 1)],
    ["the machine was suspended", () => world.clock.suspend(TIMINGS.sendDeadline + 1)],
    ["the wall clock ran back", () => world.clock.jump(-1)],
    [
      "the process was slow and its wall clock was set back meanwhile",
      () => {
        world.clock.advance(TIMINGS.sendDeadline + 1);
        world.clock.jump(-TIMINGS.sendDeadline / 2);
      },
    ],
  ])("nothing is sent when %s after the intent was written", async (_, freeze) => {
    await world.due();
    await world.runWith(
      onceAt("ledger.compareAndWrite", async (call) => {
        const value = await call();
        freeze();
        return value;
      }),
    );
    expect(calls()).toBe(0);
    expect((await world.record())?.lastReboot?.outcome).toBe("NotSent");
    expect(world.missed).toHaveLength(1);
  });

  test("a send just in time is sent", async () => {
    await world.due();
    const brake = braking(() => world.clock.advance(TIMINGS.sendDeadline));
    await world.run("node-1", { brake });
    expect(calls()).toBe(1);
  });

  test("a call that hangs is aborted at its own deadline, and counts as a reboot", async () => {
    await world.due();
    const aborted: boolean[] = [];
    world.executor.onReboot = async (_, signal) => {
      const closed = new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));
      world.clock.advance(TIMINGS.callDeadline - 1);
      await Promise.resolve();
      aborted.push(signal.aborted);
      world.clock.advance(1);
      await closed;
      return { outcome: "Unknown", detail: "aborted" };
    };
    await world.run();
    expect(aborted).toEqual([false]);
    expect(await world.record()).toMatchObject({
      incident: { attempts: 1 },
      lastReboot: { outcome: "Unknown" },
    });
  });

  test("a shutdown between intent and call sends nothing", async () => {
    await world.due();
    const stopping = new AbortController();
    const brake = braking(() => stopping.abort());
    await world.processor({ brake }).run("node-1", stopping.signal);
    expect(calls()).toBe(0);
    expect((await world.record())?.lastReboot?.outcome).toBe("NotSent");
  });
});

describe("two workers with the same job", () => {
  test("call once", async () => {
    await world.due();
    await Promise.all([world.run(), world.run(), world.run()]);
    expect(calls()).toBe(1);
    expect((await world.record())?.incident?.attempts).toBe(1);
  });

  test("a worker that lost against another one looks again and waits with it", async () => {
    await world.due();
    const runs = await Promise.all([world.run(), world.run()]);
    expect(runs.map(({ gate }) => gate)).toEqual(["WaitWindow", "WaitWindow"]);
  });

  test("a record that keeps changing holds the reboot back and says so", async () => {
    await world.due();
    let writes = 0;
    const contested = world.processorDeps(async (point, call) => {
      if (point !== "store.compareAndSet") return call();
      writes += 1;
      return false;
    });
    expect(await world.run("node-1", contested)).toMatchObject({ step: "WaitUntil", gate: "Deadline" });
    expect(writes).toBe(3);
    expect(calls()).toBe(0);
  });

  test("a fresh judgement that was overtaken is made again: a node that is well is not left Unhealthy", async () => {
    await world.due();
    world.reader.set(aNode().resourceVersion(5000).snapshot());
    let overtaken = false;
    const deps = world.processorDeps(async (point, call) => {
      if (point === "store.compareAndSet" && !overtaken) {
        overtaken = true;
        const { record, version } = await world.store.get("node-1");
        if (record !== undefined)
          await world.store.compareAndSet("node-1", version, { ...record, firstSeenAt: 7 });
      }
      return call();
    });
    expect(await world.run("node-1", deps)).toMatchObject({ step: "Finish" });
    expect(await world.record()).toMatchObject({ phase: "Healthy", firstSeenAt: 7 });
  });
});
