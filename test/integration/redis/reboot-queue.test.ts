import { Queue, type Job } from "bullmq";
import type { Redis } from "ioredis";
import { beforeEach, expect, test } from "vitest";
import type { Keys } from "../../../packages/shared/src/contract/keys.ts";
import { QUEUES } from "../../../packages/shared/src/contract/queues.ts";
import { MINUTE } from "../../../packages/shared/src/core/time.ts";
import { BullJobQueues } from "../../../packages/shared/src/redis/job-queues.ts";
import { BullRebootQueue } from "../../../packages/shared/src/redis/reboot-queue.ts";
import { useRedis } from "../../support/redis.ts";

const redis = useRedis();
const fail = (error: Error): never => {
  throw error;
};

let client: Redis;
let keys: Keys;
let queues: BullJobQueues;
let reboots: BullRebootQueue;
beforeEach(() => {
  client = redis.connect();
  ({ keys } = redis.newCluster());
  queues = new BullJobQueues(client, keys, fail);
  reboots = new BullRebootQueue(client, keys, fail);
});

const nodesOf = async (): Promise<string[]> =>
  (await reboots.list()).map(({ node, state }) => `${node} ${state}`).toSorted();

test("lists delayed and waiting reboots with their time and what they show", async () => {
  await queues.ensureReboot("a", 10 * MINUTE);
  await queues.ensureReboot("b", 0);
  expect(await nodesOf()).toEqual(["a Delayed", "b Waiting"]);
  const a = (await reboots.list()).find(({ node }) => node === "a");
  expect((a?.at ?? 0) - Date.now()).toBeGreaterThan(9 * MINUTE);
  await reboots.tell([{ reboot: a!, progress: { waitsFor: "Breaker", why: "12 of 40" } }]);
  const told = (await reboots.list()).find(({ node }) => node === "a");
  expect(told?.progress).toEqual({ waitsFor: "Breaker", why: "12 of 40" });
});

test("what is told is what a dashboard of BullMQ shows", async () => {
  await queues.ensureReboot("a", 10 * MINUTE);
  const [a] = await reboots.list();
  await reboots.tell([{ reboot: a!, progress: { waitsFor: "Limit" } }]);
  const queue = new Queue(QUEUES.reboots, { connection: client, prefix: keys.prefix });
  const job: Job | undefined = await queue.getJob(a?.id ?? "");
  expect(job?.progress).toEqual({ waitsFor: "Limit" });
  await queue.close();
});

test("wakes delayed reboots in order, whatever the clocks, and leaves others alone", async () => {
  for (const node of ["a", "b", "c"]) await queues.ensureReboot(node, 10 * MINUTE);
  const byName = new Map((await reboots.list()).map((one) => [one.node, one]));
  await reboots.wake([byName.get("b")!, byName.get("a")!]);
  expect(await nodesOf()).toEqual(["a Waiting", "b Waiting", "c Delayed"]);
  // Woken, ended or never there: nothing is left to do.
  await reboots.wake([byName.get("b")!, { id: "9999", node: "x", state: "Delayed", progress: undefined }]);
  expect(await nodesOf()).toEqual(["a Waiting", "b Waiting", "c Delayed"]);
  const queue = new Queue(QUEUES.reboots, { connection: client, prefix: keys.prefix });
  const waiting = await queue.getWaiting();
  expect(waiting.map(({ name }) => name)).toEqual(["b", "a"]);
  await queue.close();
});

test("reads over what no process of ours wrote", async () => {
  await queues.ensureReboot("a", 10 * MINUTE);
  const base = `${keys.prefix}:${QUEUES.reboots}`;
  await client.zadd(`${base}:delayed`, 1, "ghost");
  await client.rpush(`${base}:text`, "x");
  await client.zadd(`${base}:delayed`, 1, "text");
  await client.del(`${base}:paused`);
  await client.set(`${base}:paused`, "x");
  expect(await nodesOf()).toEqual(["a Delayed"]);
});
