import { beforeEach, describe, expect, test } from "vitest";
import { Queue } from "bullmq";
import { SHARDS, type Keys } from "../../../packages/shared/src/contract/keys.ts";
import { QUEUES } from "../../../packages/shared/src/contract/queues.ts";
import { RedisPlanStore } from "../../../packages/shared/src/redis/plan-store.ts";
import type { Redis } from "ioredis";
import { eventually } from "../../support/eventually.ts";
import { useRedis } from "../../support/redis.ts";

const redis = useRedis();
const CENSUS = {
  nodes: 3,
  silent: 1,
  byPool: { a: 3 },
  byZone: { "": 3 },
  claimants: { "civo://x": ["n", "m"] },
};

let client: Redis;
let keys: Keys;
let store: RedisPlanStore;
beforeEach(() => {
  client = redis.connect();
  ({ keys } = redis.newCluster());
  store = new RedisPlanStore(client, keys);
});

describe("the turn to plan", () => {
  test("is one worker's for its span, and then free", async () => {
    const other = new RedisPlanStore(client, keys);
    expect(await store.takeTurn(200)).toBe(true);
    expect(await other.takeTurn(200)).toBe(false);
    await eventually(async () => expect(await other.takeTurn(200)).toBe(true), { every: 50 });
  });

  test.each([
    ["a value without an end", async () => client.set(keys.planTurn, "forged")],
    ["a value with a far end", async () => client.set(keys.planTurn, "forged", "PX", 9_000_000)],
    ["a key of another type", async () => client.rpush(keys.planTurn, "forged")],
  ])("is taken again after %s", async (_, forge) => {
    await forge();
    await store.takeTurn(200);
    expect(await store.takeTurn(200)).toBe(true);
  });
});

describe("what a watcher tells and a worker publishes", () => {
  test("comes back as it was, and the latest counts", async () => {
    await store.tellCensus(CENSUS);
    await store.publish({ at: 1, proceed: ["a"] });
    await store.publish({ at: 2, proceed: ["b", "c"] });
    const other = new RedisPlanStore(client, keys);
    expect(await other.census()).toEqual(CENSUS);
    expect(await other.latest()).toEqual({ at: 2, proceed: ["b", "c"] });
  });

  test("is nothing where there is none, and where bytes cannot be read", async () => {
    expect(await store.census()).toBeUndefined();
    expect(await store.latest()).toBeUndefined();
    await client.set(keys.census, '{"nodes":-1}');
    await client.set(keys.plan, "not JSON");
    expect(await store.census()).toBeUndefined();
    expect(await store.latest()).toBeUndefined();
    await client.del(keys.census, keys.plan);
    await client.rpush(keys.census, "x");
    await client.rpush(keys.plan, "x");
    expect(await store.census()).toBeUndefined();
    expect(await store.latest()).toBeUndefined();
  });

  test("is told again when Redis lost it", async () => {
    await store.tellCensus(CENSUS);
    await client.del(keys.census);
    await store.tellCensus(CENSUS);
    expect(await store.census()).toEqual(CENSUS);
  });
});

describe("a cluster without work for a plan", () => {
  test("is idle, and is not once a node needs attention", async () => {
    expect(await store.isIdle()).toBe(true);
    await client.sadd(keys.attention(SHARDS - 1), "node");
    expect(await store.isIdle()).toBe(false);
  });

  test.each([0, 60_000])("is not while a repair that waits %i ms is queued", async (delay) => {
    const queue = new Queue(QUEUES.reboots, { connection: client, prefix: keys.prefix });
    const job = await queue.add("reboot", {}, { delay });
    expect(await store.isIdle()).toBe(false);
    await job.remove();
    expect(await store.isIdle()).toBe(true);
    await queue.close();
  });
});
