import { setTimeout as delay } from "node:timers/promises";
import { Queue } from "bullmq";
import { expect, test } from "vitest";
import type { Keys } from "../../../packages/shared/src/contract/keys.ts";
import { QUEUES } from "../../../packages/shared/src/contract/queues.ts";
import { SECOND } from "../../../packages/shared/src/core/time.ts";
import { createResyncQueue, type ResyncQueue } from "../../../packages/watcher/src/resync-queue.ts";
import { eventually } from "../../support/eventually.ts";
import { useRedis } from "../../support/redis.ts";

const redis = useRedis();
const INTERVAL = 200;

/** The ticks of a fleet of watchers: which watcher took each, and when. */
class Ticks implements AsyncDisposable {
  readonly taken: { watcher: number; at: number }[] = [];
  readonly errors: Error[] = [];
  readonly queues: ResyncQueue[] = [];
  readonly keys: Keys;
  tick: (watcher: number) => Promise<string> = async () => "done";

  constructor(watchers: number) {
    ({ keys: this.keys } = redis.newCluster());
    for (let watcher = 0; watcher < watchers; watcher += 1) this.#add(watcher);
  }

  #add(watcher: number): void {
    const queue = createResyncQueue({
      producer: redis.connect(),
      worker: redis.connect(),
      keys: this.keys,
      interval: INTERVAL,
      lockDuration: 10 * SECOND,
      stalledInterval: 5 * SECOND,
      onError: (error) => void this.errors.push(error),
      tick: async () => {
        this.taken.push({ watcher, at: performance.now() });
        return this.tick(watcher);
      },
    });
    this.queues.push(queue);
  }

  async all(take = true): Promise<void> {
    for (const queue of this.queues) {
      if (take) await queue.ensureScheduler();
      queue.takeTicks(take);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.queues.map(async (queue) => queue.close()));
  }
}

test("three watchers have one tick per interval between them, however often each keeps the scheduler alive", async () => {
  await using ticks = new Ticks(3);
  const start = performance.now();
  const keepAlive = setInterval(() => void ticks.all().catch((error: Error) => ticks.errors.push(error)), 40);
  await eventually(() => expect(ticks.taken.length).toBeGreaterThanOrEqual(8));
  clearInterval(keepAlive);
  const elapsed = (ticks.taken.at(-1)?.at ?? 0) - start;
  // The first tick comes at once, each other one an interval later.
  expect(ticks.taken.length).toBeLessThanOrEqual(Math.floor(elapsed / INTERVAL) + 2);
  expect(ticks.errors).toEqual([]);
});

test("a watcher that is blind takes no tick from the others, and takes ticks again when it sees", async () => {
  await using ticks = new Ticks(2);
  await ticks.all();
  await eventually(() => expect(new Set(ticks.taken.map(({ watcher }) => watcher)).size).toBeGreaterThan(0));
  ticks.queues[0]?.takeTicks(false);
  const from = ticks.taken.length;
  await eventually(() => expect(ticks.taken.length).toBeGreaterThanOrEqual(from + 4));
  expect(new Set(ticks.taken.slice(from).map(({ watcher }) => watcher))).toEqual(new Set([1]));
  ticks.queues[1]?.takeTicks(false);
  ticks.queues[0]?.takeTicks(true);
  await eventually(() => expect(ticks.taken.at(-1)?.watcher).toBe(0), { within: 25_000 });
});

test("a watcher that goes blind while it waits for a tick hands that one over", async () => {
  await using ticks = new Ticks(2);
  const [first, second] = ticks.queues;
  await first?.ensureScheduler();
  first?.takeTicks(true);
  await eventually(() => expect(ticks.taken.length).toBeGreaterThan(0));
  // Nothing to wait for: it is in its blocking read, or about to be.
  first?.takeTicks(false);
  const taken = ticks.taken.length;
  await delay(INTERVAL * 3);
  expect(ticks.taken.length).toBe(taken);
  second?.takeTicks(true);
  await eventually(() => expect(ticks.taken.length).toBeGreaterThanOrEqual(taken + 3));
  expect(new Set(ticks.taken.slice(taken).map(({ watcher }) => watcher))).toEqual(new Set([1]));
});

test("a watcher that goes blind in the middle of a tick does not wait for it", async () => {
  await using ticks = new Ticks(1);
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  ticks.tick = async () => {
    await released;
    return "done";
  };
  await ticks.all();
  await eventually(() => expect(ticks.taken).toHaveLength(1));
  await ticks.all(false);
  await ticks.all();
  release();
  await eventually(() => expect(ticks.taken.length).toBeGreaterThanOrEqual(3));
});

test("a scheduler lost to a flush is back as soon as a watcher keeps it alive", async () => {
  await using ticks = new Ticks(2);
  await ticks.all();
  await eventually(() => expect(ticks.taken.length).toBeGreaterThan(0));
  const client = redis.connect();
  const lost = await client.keys(`${ticks.keys.prefix}:${QUEUES.resync}:*`);
  await client.del(...lost);
  await delay(INTERVAL * 2);
  const before = ticks.taken.length;
  await ticks.all();
  await eventually(() => expect(ticks.taken.length).toBeGreaterThan(before + 1));
});

test("a tick that fails does not stop the next", async () => {
  await using ticks = new Ticks(1);
  ticks.tick = async () => {
    throw new Error("Redis is away");
  };
  await ticks.all();
  await eventually(() => expect(ticks.taken.length).toBeGreaterThanOrEqual(3));
});

test("finished ticks do not pile up", async () => {
  await using ticks = new Ticks(1);
  await ticks.all();
  await eventually(() => expect(ticks.taken.length).toBeGreaterThanOrEqual(25), { within: 20_000 });
  const queue = new Queue(QUEUES.resync, { connection: redis.connect(), prefix: ticks.keys.prefix });
  expect(await queue.getCompletedCount()).toBeLessThanOrEqual(21);
  await queue.close();
});

test.each(["string", "hash"])("a queue whose keys are all of type %s ticks again", async (type) => {
  await using ticks = new Ticks(1);
  await ticks.all();
  await eventually(() => expect(ticks.taken.length).toBeGreaterThan(1));
  const client = redis.connect();
  const keys = await client.keys(`${ticks.keys.prefix}:${QUEUES.resync}:*`);
  expect(keys.length).toBeGreaterThan(5);
  await client.del(...keys);
  for (const key of keys) await (type === "string" ? client.set(key, "x") : client.hset(key, "x", "x"));
  const before = ticks.taken.length;
  await eventually(
    async () => {
      await ticks.all();
      expect(ticks.taken.length).toBeGreaterThan(before + 2);
    },
    { within: 25_000 },
  );
});

test("a scheduler whose next tick is lost, or lies in years, ticks again", async () => {
  await using ticks = new Ticks(1);
  const client = redis.connect();
  const base = `${ticks.keys.prefix}:${QUEUES.resync}:`;
  await ticks.all();
  for (const forge of [
    async () => client.del(`${base}delayed`),
    async () => client.zadd(`${base}repeat`, 2 ** 52, "resync"),
  ]) {
    await eventually(() => expect(ticks.taken.length).toBeGreaterThan(1));
    ticks.queues[0]?.takeTicks(false);
    await forge();
    const before = ticks.taken.length;
    await eventually(
      async () => {
        await ticks.all();
        expect(ticks.taken.length).toBeGreaterThan(before + 2);
      },
      { within: 25_000 },
    );
  }
});
