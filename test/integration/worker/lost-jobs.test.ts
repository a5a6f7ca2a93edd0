import { expect, test } from "vitest";
import { QUEUES } from "../../../packages/shared/src/contract/queues.ts";
import { MINUTE } from "../../../packages/shared/src/core/time.ts";
import { aNode } from "../../../packages/shared/src/testing/builders.ts";
import { eventually } from "../../support/eventually.ts";
import { useRedis } from "../../support/redis.ts";
import { Fleet, quick } from "./fleet.ts";

const redis = useRedis();

const broken = async (fleet: Fleet): Promise<void> => {
  await fleet.snapshots.beat(0);
  await fleet.see(aNode("a"), aNode("b"));
  await eventually(async () => expect(await fleet.phase("b")).toBe("Healthy"));
  await fleet.see(aNode("a").notReady(), aNode("b").notReady());
  await eventually(async () => expect(await fleet.reboots.getDelayedCount()).toBe(2));
};

const delayed = async (fleet: Fleet): Promise<string[]> =>
  (await fleet.reboots.getDelayed()).map(({ name }) => name).toSorted();

test.each<[string, (fleet: Fleet) => Promise<unknown>]>([
  ["an obliterate", async (fleet) => fleet.reboots.obliterate({ force: true })],
  ["a clean of a dashboard", async (fleet) => fleet.reboots.clean(0, 1000, "delayed")],
  ["a drain", async (fleet) => fleet.reboots.drain(true)],
  ["a flush of the queues", async (fleet) => fleet.loseQueues()],
  [
    "a removal of every job by hand",
    async (fleet) => Promise.all((await fleet.pending()).map(async (job) => job.remove())),
  ],
])("pending reboots lost to %s are back after a resync", async (_, lose) => {
  await using fleet = new Fleet(redis);
  fleet.startWorker();
  await broken(fleet);
  await lose(fleet);
  expect(await fleet.pending()).toEqual([]);
  await fleet.resync();
  await eventually(async () => expect(await delayed(fleet)).toEqual(["a", "b"]));
});

test("jobs whose data vanished under their deduplication keys are back after a resync", async () => {
  await using fleet = new Fleet(redis);
  fleet.startWorker();
  await broken(fleet);
  for (const { id } of await fleet.pending()) {
    const prefix = `${fleet.keys.prefix}:${QUEUES.reboots}`;
    await fleet.client.del(`${prefix}:${id}`, `${prefix}:delayed`);
  }
  expect(await fleet.pending()).toEqual([]);
  await fleet.resync();
  await eventually(async () => expect(await delayed(fleet)).toEqual(["a", "b"]));
});

test("a store that lost everything is filled again by one resync", async () => {
  await using fleet = new Fleet(redis);
  fleet.startWorker();
  await broken(fleet);
  const keys = await fleet.client.keys(`${fleet.keys.prefix}:*`);
  await fleet.client.del(...keys);
  await fleet.snapshots.beat(0);
  expect(await fleet.pending()).toEqual([]);
  await fleet.resync();
  await eventually(async () => expect(await delayed(fleet)).toEqual(["a", "b"]));
  expect(await fleet.phase("a")).toBe("Unhealthy");
});

test("a wake-up that was lost is made good by the next resync", async () => {
  await using fleet = new Fleet(redis);
  await fleet.snapshots.beat(0);
  await fleet.see(aNode());
  await fleet.wakeUps.obliterate({ force: true });
  fleet.startWorker();
  await fleet.resync();
  await eventually(async () => expect(await fleet.phase("node-1")).toBe("Healthy"));
});

test("a job promoted by hand 100 times during its wait causes no second call", async () => {
  await using fleet = new Fleet(redis, quick(200, 10 * MINUTE));
  fleet.startWorker();
  fleet.startWorker();
  fleet.watch();
  await fleet.see(aNode());
  await eventually(async () => expect(await fleet.phase("node-1")).toBe("Healthy"));
  await fleet.see(aNode().notReady());
  await eventually(() => expect(fleet.executor.calls).toHaveLength(1));
  for (let i = 0; i < 100; i += 1) {
    const job = await eventually(async () => {
      const [sleeping] = await fleet.reboots.getDelayed();
      expect(sleeping).toBeDefined();
      return sleeping;
    });
    await job?.promote().catch(() => undefined);
  }
  await eventually(async () => expect(await fleet.reboots.getDelayedCount()).toBe(1));
  expect(fleet.executor.calls).toHaveLength(1);
  expect((await fleet.states.get("node-1")).record?.incident?.attempts).toBe(1);
});

test("duplicates of a job made by hand cause no second call", async () => {
  await using fleet = new Fleet(redis, quick(200, 10 * MINUTE));
  fleet.startWorker();
  fleet.startWorker();
  fleet.watch();
  await fleet.see(aNode());
  await eventually(async () => expect(await fleet.phase("node-1")).toBe("Healthy"));
  await fleet.see(aNode().notReady());
  // A copy that runs before the judgement finds a healthy node and ends, as it should.
  await eventually(async () => expect(await fleet.phase("node-1")).toBe("Unhealthy"));
  const copies = Array.from({ length: 50 }, async (_, i) =>
    fleet.reboots.add("node-1", { schema: 1, node: "node-1" }, { delay: i * 15 }),
  );
  await Promise.all(copies);
  await eventually(() => expect(fleet.executor.calls).toHaveLength(1));
  await eventually(async () => expect(await fleet.reboots.getDelayedCount()).toBe(51));
  expect(fleet.executor.calls).toHaveLength(1);
});

test("a sick node is rebooted, waits, and is rebooted again until its attempts are used up", async () => {
  await using fleet = new Fleet(redis, quick(200, 400));
  fleet.startWorker();
  fleet.startWorker();
  fleet.watch();
  await fleet.see(aNode());
  await eventually(async () => expect(await fleet.phase("node-1")).toBe("Healthy"));
  // The machine boots each time, and the node fails all the same: what is not carried out is no attempt.
  fleet.executor.onReboot = async () => {
    await fleet.see(aNode().bootId(`boot-${fleet.executor.calls.length}`).notReady());
    return { outcome: "Accepted", detail: "202" };
  };
  await fleet.see(aNode().notReady());
  await eventually(async () => expect(await fleet.phase("node-1")).toBe("Failed"));
  const times = fleet.executor.calls.map(({ at }) => at);
  expect(times).toHaveLength(3);
  for (let i = 1; i < times.length; i += 1)
    expect((times[i] ?? 0) - (times[i - 1] ?? 0)).toBeGreaterThanOrEqual(395);
  await eventually(async () => expect(await fleet.pending()).toEqual([]));
});

test("a worker that dies in the middle of a call: another one takes the job over and keeps the wait", async () => {
  await using fleet = new Fleet(redis, quick(100, 10 * MINUTE));
  const locks = { lockDuration: 600, stalledInterval: 200 };
  const dying = fleet.startWorker({}, locks);
  fleet.watch();
  const never = new Promise<never>(() => undefined);
  fleet.executor.onReboot = async () => never;
  await fleet.see(aNode());
  await eventually(async () => expect(await fleet.phase("node-1")).toBe("Healthy"));
  await fleet.see(aNode().notReady());
  await eventually(() => expect(fleet.executor.calls).toHaveLength(1));
  await dying.close(true);
  fleet.startWorker({}, locks);
  await eventually(async () => {
    const [job] = await fleet.reboots.getDelayed();
    expect(job?.progress).toMatchObject({ waitsFor: "WaitWindow", phase: "WaitingReboot" });
  });
  expect(fleet.executor.calls).toHaveLength(1);
  expect((await fleet.states.get("node-1")).record?.lastReboot?.outcome).toBe("Intent");
});
