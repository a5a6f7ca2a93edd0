import { Queue } from "bullmq";
import { expect, test } from "vitest";
import { QUEUES } from "../../../packages/shared/src/contract/queues.ts";
import { BullJobQueues } from "../../../packages/shared/src/redis/job-queues.ts";
import { readPendingReboot } from "../../../packages/shared/src/redis/pending-reboot.ts";
import { useRedis } from "../../support/redis.ts";

const redis = useRedis();

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
