import { expect, test } from "vitest";
import { QUEUES } from "../../../packages/shared/src/contract/queues.ts";
import { HOUR, MINUTE } from "../../../packages/shared/src/core/time.ts";
import { aNode } from "../../../packages/shared/src/testing/builders.ts";
import type { RebootJobDeps } from "../../../packages/worker/src/reboot-job.ts";
import { eventually } from "../../support/eventually.ts";
import { useRedis } from "../../support/redis.ts";
import { Fleet } from "./fleet.ts";

const redis = useRedis();

/** The node is Healthy in the store, then Unhealthy with its pending reboot asleep. */
async function unhealthy(fleet: Fleet, node = aNode(), broken = node.notReady()): Promise<void> {
  await fleet.snapshots.beat(0);
  await fleet.see(node);
  await eventually(async () => expect(await fleet.phase("node-1")).toBe("Healthy"));
  await fleet.see(broken);
  await eventually(async () => expect(await fleet.reboots.getDelayedCount()).toBe(1));
}

const nothingPending = async (fleet: Fleet): Promise<void> => {
  await eventually(async () => {
    expect(await fleet.pending()).toEqual([]);
    expect(await fleet.deduplicationKeys()).toEqual([]);
  });
};

/** When the job runs, counted from now. */
const dueIn = async (fleet: Fleet): Promise<number> => {
  const key = `${fleet.keys.prefix}:${QUEUES.reboots}:delayed`;
  const [, score = "0"] = await fleet.client.zrange(key, "0", "-1", "WITHSCORES");
  // BullMQ keeps the due time in the upper bits of the score.
  return Number(score) / 0x10_00 - Date.now();
};

test("a node that turns Unhealthy has exactly one delayed job, named after it, that says what it waits for", async () => {
  await using fleet = new Fleet(redis);
  fleet.startWorker();
  fleet.startWorker();
  await unhealthy(fleet);
  const jobs = await fleet.pending();
  expect(jobs.map(({ name, data }) => ({ name, data }))).toEqual([
    { name: "node-1", data: { schema: 1, node: "node-1" } },
  ]);
  expect(jobs[0]?.progress).toMatchObject({
    phase: "Unhealthy",
    waitsFor: "Threshold",
    why: "NodeReady has not failed for long enough",
    until: expect.stringMatching(/^\d{4}-/u),
  });
  const { logs } = await fleet.reboots.getJobLogs(jobs[0]?.id ?? "");
  expect(logs).toHaveLength(1);
  const span = await dueIn(fleet);
  expect(span).toBeGreaterThan(4 * MINUTE);
  expect(span).toBeLessThanOrEqual(5 * MINUTE);
});

test("recovery wakes the pending reboot, and none is left", async () => {
  await using fleet = new Fleet(redis);
  fleet.startWorker();
  await unhealthy(fleet);
  await fleet.see(aNode());
  await nothingPending(fleet);
  expect(await fleet.phase("node-1")).toBe("Healthy");
  expect(fleet.executor.calls).toEqual([]);
});

test("a recovery that arrives while the job is active leaves none", async () => {
  await using fleet = new Fleet(redis);
  const active = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  let first = true;
  const processor: RebootJobDeps["processor"] = {
    run: async (node) => {
      const { record } = await fleet.states.get(node);
      if (first) {
        first = false;
        active.resolve();
        await held.promise;
      }
      const settled = record?.phase !== "Unhealthy";
      return settled
        ? { step: "Finish", gate: "NothingFailing", why: "well", record }
        : { step: "WaitUntil", at: Date.now() + HOUR, gate: "Threshold", why: "not yet", record };
    },
  };
  fleet.startWorker({ processor });
  fleet.startPlanner();
  await fleet.snapshots.beat(0);
  await fleet.see(aNode());
  await eventually(async () => expect(await fleet.phase("node-1")).toBe("Healthy"));
  await fleet.see(aNode().notReady());
  await active.promise;
  await fleet.see(aNode());
  await eventually(async () => expect(await fleet.phase("node-1")).toBe("Healthy"));
  await eventually(async () => expect(await fleet.wakeUps.getActiveCount()).toBe(0));
  held.resolve();
  await nothingPending(fleet);
});

test("a due time that moves earlier moves the job", async () => {
  await using fleet = new Fleet(redis);
  fleet.startWorker();
  await unhealthy(fleet, aNode(), aNode().diskPressure());
  expect(await dueIn(fleet)).toBeGreaterThan(29 * MINUTE);
  await fleet.see(aNode().diskPressure().notReady());
  await eventually(async () => {
    const span = await dueIn(fleet);
    expect(span).toBeGreaterThan(4 * MINUTE);
    expect(span).toBeLessThanOrEqual(5 * MINUTE);
  });
  expect(await fleet.pending()).toHaveLength(1);
});

test("a node that is gone leaves no job, no record and no snapshot", async () => {
  await using fleet = new Fleet(redis);
  fleet.startWorker();
  await unhealthy(fleet);
  fleet.reader.nodes.clear();
  await fleet.source.remove("node-1");
  await fleet.resync();
  await nothingPending(fleet);
  await eventually(async () => expect((await fleet.states.get("node-1")).record).toBeUndefined());
  const keys = await fleet.client.keys(`${fleet.keys.prefix}:[svdra]*`);
  const ours = keys.filter((key) => /:(?:snapshots|versions|dirty|records|attention):\d+$/u.test(key));
  expect(ours).toEqual([]);
});

test("of 2,000 nodes that flap while they are judged, no unhealthy one is left without a pending reboot", async () => {
  await using fleet = new Fleet(redis);
  for (let worker = 0; worker < 3; worker += 1) fleet.startWorker();
  fleet.startPlanner(1000);
  await fleet.snapshots.beat(0);
  const names = Array.from({ length: 2000 }, (_, i) => `node-${i}`);
  await fleet.see(...names.map((name) => aNode(name)));
  for (let round = 0; round < 4; round += 1) {
    for (let from = 0; from < names.length; from += 250) {
      const flapping = names
        .slice(from, from + 250)
        .map((name) => (Math.random() < 0.5 ? aNode(name) : aNode(name).notReady()));
      await fleet.see(...flapping);
    }
  }
  await eventually(async () => expect(await fleet.dirty()).toBe(0), { within: 60_000 });
  await eventually(
    async () => {
      const counts = await fleet.reboots.getJobCounts("waiting", "active");
      expect(counts).toEqual({ waiting: 0, active: 0 });
    },
    { within: 60_000, every: 100 },
  );
  const unwell = (await fleet.states.listUnhealthy()).map(({ name }) => name).toSorted();
  expect(unwell.length).toBeGreaterThan(500);
  await eventually(async () => {
    const pending = (await fleet.pending()).map(({ name }) => name).toSorted();
    expect(pending).toEqual(unwell);
  });
}, 120_000);
