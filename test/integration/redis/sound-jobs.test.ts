import { Queue, Worker } from "bullmq";
import type { Redis } from "ioredis";
import { beforeEach, expect, test } from "vitest";
import type { Keys } from "../../../packages/shared/src/contract/keys.ts";
import { QUEUES, rebootDeduplicationId } from "../../../packages/shared/src/contract/queues.ts";
import { BullJobQueues } from "../../../packages/shared/src/redis/job-queues.ts";
import { soundJobs } from "../../../packages/shared/src/redis/queue-repair.ts";
import { eventually } from "../../support/eventually.ts";
import { useRedis } from "../../support/redis.ts";

const redis = useRedis();
let client: Redis;
let keys: Keys;
let queues: BullJobQueues;
let queue: Queue;
let base: string;

beforeEach(() => {
  client = redis.connect();
  ({ keys } = redis.newCluster());
  queues = new BullJobQueues(client, keys, () => {});
  queue = new Queue(QUEUES.reboots, { connection: client, prefix: keys.prefix });
  base = `${keys.prefix}:${QUEUES.reboots}`;
  return async () => {
    await queue.close();
    await queues.close();
  };
});

const isSound = async (name = "n"): Promise<boolean | undefined> => {
  const job = { deduplicationId: rebootDeduplicationId(name), name, data: { schema: 1, node: name } };
  const place = { client, prefix: keys.prefix, queue: QUEUES.reboots };
  return (await soundJobs(place, [job], Date.now() + 60 * 60_000))[0];
};
const idOf = async (name = "n"): Promise<string> =>
  (await queue.getDeduplicationJobId(rebootDeduplicationId(name))) ?? "";

test.each([60_000, 0])(
  "a pending reboot with a delay of %d ms is sound, and stays as it is",
  async (delay) => {
    expect(await isSound()).toBe(false);
    await queues.ensureReboot("n", delay);
    const id = await idOf();
    expect(await isSound()).toBe(true);
    await queues.ensureReboots(["n"]);
    expect(await idOf()).toBe(id);
  },
);

test("a job that runs is in doubt, so that it runs once more", async () => {
  await queues.ensureReboot("n", 0);
  const run = Promise.withResolvers<void>();
  let runs = 0;
  const worker = new Worker(
    QUEUES.reboots,
    async () => {
      runs += 1;
      await run.promise;
    },
    { connection: redis.connect(), prefix: keys.prefix },
  );
  await eventually(async () => expect(await queue.getActiveCount()).toBe(1));
  expect(await isSound()).toBe(false);
  await queues.ensureReboots(["n"]);
  run.resolve();
  await eventually(async () => expect(runs).toBe(2));
  await worker.close();
});

test.each<[string, (id: string) => Promise<unknown>]>([
  ["has the name of another node", async (id) => client.hset(`${base}:${id}`, "name", "m")],
  [
    "has the data of another node",
    async (id) => client.hset(`${base}:${id}`, "data", '{"schema":1,"node":"m"}'),
  ],
  ["has options that are no JSON", async (id) => client.hset(`${base}:${id}`, "opts", "{")],
  ["has progress that is no JSON", async (id) => client.hset(`${base}:${id}`, "progress", "{")],
  ["has no hash", async (id) => client.del(`${base}:${id}`)],
  [
    "has a hash of another type",
    async (id) => {
      await client.del(`${base}:${id}`);
      await client.set(`${base}:${id}`, "x");
    },
  ],
  ["is in no list", async (id) => client.zrem(`${base}:delayed`, id)],
  ["is due in years", async (id) => client.zadd(`${base}:delayed`, Date.now() * 2 * 4096, id)],
  [
    "is delayed where another type stands",
    async () => {
      await client.del(`${base}:delayed`);
      await client.set(`${base}:delayed`, "x");
    },
  ],
])("a job that %s is not, and a sound one takes its place", async (_, damage) => {
  await queues.ensureReboot("n", 60_000);
  await damage(await idOf());
  expect(await isSound()).toBe(false);
  await queues.ensureReboots(["n"]);
  expect(await isSound()).toBe(true);
  const jobs = await queue.getJobs(["wait"]);
  expect(jobs.map(({ name, data }) => [name, data])).toEqual([["n", { schema: 1, node: "n" }]]);
});
