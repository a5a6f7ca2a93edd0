import { beforeEach, expect, test } from "vitest";
import type { Redis } from "ioredis";
import { shardOf, type Keys } from "../../../packages/shared/src/contract/keys.ts";
import { RedisEvaluationStore } from "../../../packages/shared/src/redis/evaluation-store.ts";
import { RedisSnapshotStore } from "../../../packages/shared/src/redis/snapshot-store.ts";
import { RedisStateStore } from "../../../packages/shared/src/redis/state-store.ts";
import { useRedis } from "../../support/redis.ts";
import { aRecord, commitOne, pending, version, type Stores } from "./stores.ts";

const redis = useRedis();
const MAX_GAP = 10_000;
const shard = shardOf("n");
let client: Redis;
let keys: Keys;
let stores: Stores;

beforeEach(() => {
  client = redis.connect();
  ({ keys } = redis.newCluster());
  stores = {
    snapshots: new RedisSnapshotStore(client, keys, MAX_GAP),
    evaluations: new RedisEvaluationStore(client, keys),
    states: new RedisStateStore(client, keys),
    loseRecord: async (name) => void (await client.hdel(keys.records(shardOf(name)), name)),
    pass: async () => {},
    at: ({ now }) => now,
    maxGap: MAX_GAP,
  };
});

const setAll = async (names: readonly string[]): Promise<void> => {
  for (const key of names) {
    await client.del(key);
    await client.rpush(key, "not ours");
  }
};

test("what can be built anew is built anew by the next publication, attention or beat", async () => {
  await setAll([
    keys.snapshots(shard),
    keys.versions(shard),
    keys.dirty(shard),
    keys.attention(shard),
    keys.view,
  ]);
  expect(await stores.snapshots.versions(shard)).toEqual(new Map());
  expect((await stores.states.get("n")).view.age).toBeUndefined();
  await stores.snapshots.markAttention();
  await stores.snapshots.publish([version("n", "1")]);
  await stores.snapshots.beat(0);
  expect(await pending(stores, "n")).toMatchObject({ snapshot: { name: "n" } });
  expect(await commitOne(stores, "n", aRecord("n", { phase: "Unhealthy" }))).toBe(true);
  expect(await stores.snapshots.markAttention()).toEqual([shard]);
});

test("a node can be forgotten over them", async () => {
  await setAll([keys.snapshots(shard), keys.versions(shard), keys.dirty(shard)]);
  expect(await stores.snapshots.forget("n", undefined)).toEqual([shard]);
});

test("records are thrown away by nobody but the resync: every use of them fails and says why", async () => {
  await setAll([keys.records(shard)]);
  await stores.snapshots.publish([version("n", "1")]);
  await expect(stores.evaluations.load(shard, 10)).rejects.toThrow("WRONGTYPE");
  await expect(stores.states.get("n")).rejects.toThrow("WRONGTYPE");
  await expect(stores.states.compareAndSet("n", "0", aRecord("n"))).rejects.toThrow("WRONGTYPE");
  await expect(commitOneAt("0")).rejects.toThrow("WRONGTYPE");
  expect(await client.type(keys.records(shard))).toBe("list");
});

test("records of another type are built anew by the next resync, which tells of it", async () => {
  await stores.snapshots.publish([version("n", "1")]);
  await commitOne(stores, "n", aRecord("n"));
  await setAll([keys.records(shard)]);
  expect([...(await stores.snapshots.versions(shard)).keys()]).toEqual(["n"]);
  const told: string[] = [];
  const snapshots = new RedisSnapshotStore(client, keys, MAX_GAP, (detail) => void told.push(detail));
  expect(await snapshots.markAttention()).toEqual([shard]);
  expect(told).toEqual([expect.stringContaining(`records of shard ${shard}`)]);
  expect(await pending(stores, "n")).toMatchObject({ record: undefined, recordVersion: "0" });
  expect(await commitOne(stores, "n", aRecord("n"))).toBe(true);
  await snapshots.markAttention();
  expect(told).toHaveLength(1);
});

test.each(["records", "attention"] as const)(
  "%s of another type leave one shard out of lists and counts, which is told, and no other",
  async (where) => {
    const other = Array.from({ length: 99 }, (_, i) => `m-${i}`).find((m) => shardOf(m) !== shard) ?? "";
    for (const name of ["n", other])
      await stores.states.compareAndSet(name, "0", aRecord(name, { phase: "Unhealthy" }));
    await setAll([keys[where](shard)]);
    const told: string[] = [];
    const states = new RedisStateStore(client, keys, (detail) => void told.push(detail));
    expect((await states.listUnhealthy()).map(({ name }) => name)).toEqual([other]);
    expect(told).toEqual([expect.stringMatching(new RegExp(`^shard ${shard} is left out: WRONGTYPE`, "u"))]);
    const counted = (await states.countRecords()).reduce((sum, { count }) => sum + count, 0);
    expect(counted).toBe(where === "records" ? 1 : 2);
  },
);

test("a Redis that is away is no shard to leave out", async () => {
  const away = redis.connect();
  away.disconnect();
  await expect(new RedisStateStore(away, keys).listUnhealthy()).rejects.toThrow("closed");
});

const commitOneAt = async (recordVersion: string) =>
  stores.evaluations.commit(shard, [{ name: "n", snapshotVersion: "", recordVersion, record: aRecord("n") }]);
