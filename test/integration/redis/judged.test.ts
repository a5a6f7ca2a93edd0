import { beforeEach, describe, expect, test } from "vitest";
import type { Redis } from "ioredis";
import { shardOf, type Keys } from "../../../packages/shared/src/contract/keys.ts";
import { kindOf } from "../../../packages/shared/src/core/record-gauges.ts";
import { RedisEvaluationStore } from "../../../packages/shared/src/redis/evaluation-store.ts";
import { RedisSnapshotStore } from "../../../packages/shared/src/redis/snapshot-store.ts";
import { RedisStateStore } from "../../../packages/shared/src/redis/state-store.ts";
import { RedisWorkerRegistry } from "../../../packages/shared/src/redis/worker-registry.ts";
import { useRedis } from "../../support/redis.ts";
import { aRecord, commitOne, pending, version, type Stores } from "./stores.ts";

const redis = useRedis();
const shard = shardOf("n");
let client: Redis;
let keys: Keys;
let stores: Stores;

beforeEach(() => {
  client = redis.connect();
  ({ keys } = redis.newCluster());
  stores = storesBy("mine");
});

/** The stores of a worker that judges by these rules. */
function storesBy(rules: string): Stores {
  return {
    snapshots: new RedisSnapshotStore(client, keys, 10_000),
    evaluations: new RedisEvaluationStore(client, keys, rules),
    states: new RedisStateStore(client, keys),
    loseRecord: async (name) => void (await client.hdel(keys.records(shardOf(name)), name)),
    pass: async () => {},
    at: ({ now }) => now,
    maxGap: 10_000,
  };
}

const marked = async (): Promise<readonly number[]> => stores.snapshots.markAttention();

const worker = (id: string, rules?: string) => ({ id, monitorOnly: false, ...(rules ? { rules } : {}) });
const phases = async (): Promise<Record<string, number>> =>
  Object.fromEntries(
    (await stores.states.countRecords()).map(({ labels, count }) => [labels["phase"] ?? "", count]),
  );

const live = async (...workers: readonly ReturnType<typeof worker>[]): Promise<void> => {
  await client.del(keys.workers);
  const registry = new RedisWorkerRegistry(client, keys, 30_000);
  for (const one of workers) await registry.beat(one);
};

describe("a node is judged again", () => {
  beforeEach(async () => {
    await stores.snapshots.publish([version("n", "1")]);
    await commitOne(stores, "n", aRecord("n"));
  });

  test("when no living worker has the rules by which it was judged, and then no more", async () => {
    await live(worker("a", "mine"), worker("b", "other"));
    expect(await marked()).toEqual([]);
    await live(worker("b", "other"));
    expect(await marked()).toEqual([shard]);
    await commitOne(storesBy("other"), "n", "keep", { judged: aRecord("n") });
    expect(await marked()).toEqual([]);
  });

  test("but not because the workers are of a version that does not name its rules", async () => {
    await live(worker("old"));
    expect(await marked()).toEqual([]);
  });

  test("when its record was forged under the version that it had", async () => {
    const forged = (await client.hget(keys.records(shard), "n"))?.replace(
      '"everReady":true',
      '"everReady":false',
    );
    await client.hset(keys.records(shard), "n", forged ?? "");
    expect(await marked()).toEqual([shard]);
  });

  test("when what was noted of it was lost, or is not what a worker wrote", async () => {
    for (const damage of [undefined, "", "a b c", `${" ".repeat(9)}1`]) {
      if (damage === undefined) await client.hdel(keys.judged(shard), "n");
      else await client.hset(keys.judged(shard), "n", damage);
      expect(await marked()).toEqual([shard]);
      expect(await pending(stores, "n")).toMatchObject({ rewritten: false });
      await commitOne(stores, "n", "keep", { judged: aRecord("n") });
      expect(await marked()).toEqual([]);
    }
  });
});

describe("the gauges count every record", () => {
  const names = Array.from({ length: 200 }, (_, i) => `n-${i}`).filter((name) => shardOf(name) === shard);
  const [first = "", second = ""] = names;

  beforeEach(async () => {
    await stores.snapshots.publish(names.map((name) => version(name, "1")));
    for (const name of names) await commitOne(stores, name, aRecord(name));
  });

  test("as it stands after commits, writes of one record, and deletions", async () => {
    await stores.snapshots.publish([version(first, "2", "b")]);
    await commitOne(stores, first, aRecord(first, { phase: "Unhealthy" }));
    const { version: read } = await stores.states.get(second);
    await stores.states.compareAndSet(second, read, aRecord(second, { phase: "Failed" }));
    expect(await phases()).toEqual({ Healthy: names.length - 2, Unhealthy: 1, Failed: 1 });
    await stores.snapshots.forget(first, await stores.snapshots.version(first));
    await commitOne(stores, first, "delete");
    expect(await phases()).toEqual({ Healthy: names.length - 2, Failed: 1 });
    // All of that from the tally alone.
    const tally = await client.hgetall(keys.tally(shard));
    expect(Object.values(tally).toSorted()).toEqual(
      [
        "1",
        `${names.length - 2}`,
        kindOf(aRecord("x")),
        kindOf(aRecord("x", { phase: "Failed" })),
      ].toSorted(),
    );
  });

  test("of a node whose record was written before its snapshot was judged, too", async () => {
    await stores.states.compareAndSet("n", "0", aRecord("n", { phase: "Failed" }));
    expect(await phases()).toEqual({ Healthy: names.length, Failed: 1 });
    expect(await client.hget(keys.tally(shard), "n:x")).toBeNull();
  });

  test.each<[string, () => Promise<unknown>]>([
    ["the tally was lost", async () => client.del(keys.tally(shard))],
    ["what was noted was lost as well", async () => client.del(keys.tally(shard), keys.judged(shard))],
    [
      "another type stands there",
      async () => {
        await client.del(keys.tally(shard), keys.judged(shard));
        await client.rpush(keys.tally(shard), "x");
        await client.rpush(keys.judged(shard), "x");
      },
    ],
    ["a record was lost", async () => client.hdel(keys.records(shard), first)],
    [
      "an older version wrote a record",
      async () => {
        await stores.snapshots.publish([version("n", "1")]);
        await client.hset(keys.records(shard), "n", `1 ${JSON.stringify(aRecord("n"))}`);
      },
    ],
  ])("also when %s, and from the tally again when that was judged", async (_, damage) => {
    await damage();
    const records = await client.hlen(keys.records(shard));
    expect(await phases()).toEqual({ Healthy: records });
    await marked();
    const { nodes } = await stores.evaluations.load(shard, 1000);
    for (const { name } of nodes) await commitOne(stores, name, aRecord(name));
    await marked();
    const tally = await client.hgetall(keys.tally(shard));
    expect(Object.values(tally)).toContain(`${await client.hlen(keys.records(shard))}`);
    expect(Object.keys(tally)).toHaveLength(2);
  });

  test("from the next resync on, when updates of the tally were lost or doubled", async () => {
    await stores.snapshots.publish([version(first, "2", "b")]);
    await commitOne(stores, first, aRecord(first, { phase: "Unhealthy" }));
    const fields = Object.keys(await client.hgetall(keys.tally(shard))).filter((field) =>
      field.startsWith("n:"),
    );
    for (const field of fields) await client.hset(keys.tally(shard), field, names.length / 2);
    await marked();
    expect(await phases()).toEqual({ Healthy: names.length - 1, Unhealthy: 1 });
  });
});
