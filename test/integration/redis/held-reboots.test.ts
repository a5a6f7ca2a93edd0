import { Queue } from "bullmq";
import { expect, test, vi } from "vitest";
import { QUEUES } from "../../../packages/shared/src/contract/queues.ts";
import { BullJobQueues } from "../../../packages/shared/src/redis/job-queues.ts";
import { readPendingReboot } from "../../../packages/shared/src/redis/pending-reboot.ts";
import { useRedis } from "../../support/redis.ts";

const redis = useRedis();

test("the log of a pending reboot is capped, however long it waits", async () => {
  const { keys } = redis.newCluster();
  const connection = redis.connect();
  const queues = new BullJobQueues(connection, keys, () => undefined);
  await queues.ensureReboot("n", 60_000);
  const queue = new Queue(QUEUES.reboots, { connection, prefix: keys.prefix });
  const [job] = await queue.getDelayed();
  for (let i = 0; i < 50; i += 1) await job!.log(`line ${i}`);
  const { logs } = await queue.getJobLogs(job!.id!);
  expect([logs.length, logs.at(-1)]).toEqual([20, "line 49"]);
  await queues.close();
  await queue.close();
});

test.each([3_600_000, -3_600_000])(
  "a pending reboot is due by Redis' clock, whatever that of this machine says (%d ms off)",
  async (off) => {
    const { keys } = redis.newCluster();
    const connection = redis.connect();
    const right = Date.now();
    const queues = new BullJobQueues(
      connection,
      keys,
      () => undefined,
      () => right,
    );
    const queue = new Queue(QUEUES.reboots, { connection, prefix: keys.prefix });
    vi.setSystemTime(right + off);
    try {
      await queues.ensureReboot("n", 60_000);
      await queues.moveReboot("n", 30_000);
      const [score] = (
        await connection.zrange(`${keys.prefix}:reboots:delayed`, "0", "-1", "WITHSCORES")
      ).slice(1);
      expect(Math.floor(Number(score) / 0x10_00)).toBe(right + 30_000);
    } finally {
      vi.useRealTimers();
    }
    await queues.close();
    await queue.close();
  },
);

test("pending reboots say what holds them and since when; what they cannot have said counts as nothing", async () => {
  const { keys } = redis.newCluster();
  const connection = redis.connect();
  const queues = new BullJobQueues(connection, keys, () => {});
  const queue = new Queue(QUEUES.reboots, { connection, prefix: keys.prefix });
  const since = "2026-11-28T12:00:00.000Z";
  const said: Record<string, object> = {
    a: { phase: "Unhealthy", waitsFor: "Breaker", why: "many", since },
    b: { phase: "Unhealthy", waitsFor: "Weather", why: "rain", since },
    c: { phase: "Unhealthy", waitsFor: "Breaker", why: "no time" },
    d: { waitsFor: 7 },
    e: {},
    // Healthy again: it waits for the result of its reboot, and nothing is held.
    f: { phase: "Healthy", waitsFor: "NothingFailing", why: "well", since },
  };
  for (const name of Object.keys(said)) await queues.moveReboot(name, 60_000);
  for (const job of await queue.getDelayed()) await job.updateProgress(said[job.name] ?? {});
  expect(await queues.held()).toEqual([{ gate: "Breaker", since: Date.parse(since) }]);
  expect((await readPendingReboot(connection, keys, "a"))?.said).toEqual({
    waitsFor: "Breaker",
    why: "many",
    since: Date.parse(since),
  });
  await queue.close();
  await queues.close();
});
