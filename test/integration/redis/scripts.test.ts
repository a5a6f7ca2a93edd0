import { beforeEach, describe, expect, test } from "vitest";
import type { Redis } from "ioredis";
import { shardOf, type Keys } from "../../../packages/shared/src/contract/keys.ts";
import { RedisEvaluationStore } from "../../../packages/shared/src/redis/evaluation-store.ts";
import { BullJobQueues } from "../../../packages/shared/src/redis/job-queues.ts";
import { RedisScript } from "../../../packages/shared/src/redis/script.ts";
import { RedisSnapshotStore } from "../../../packages/shared/src/redis/snapshot-store.ts";
import { RedisSequenceMemory } from "../../../packages/shared/src/redis/sequence-memory.ts";
import { RedisStateStore } from "../../../packages/shared/src/redis/state-store.ts";
import { useRedis } from "../../support/redis.ts";
import { aRecord, commitOne, pending, version, type Stores } from "./stores.ts";

const redis = useRedis();
const MAX_GAP = 10_000;
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

const redisNow = async (): Promise<number> => {
  const [seconds, micros] = await client.time();
  return Number(seconds) * 1000 + Math.floor(Number(micros) / 1000);
};

describe("scripts", () => {
  test("a server that forgot every script learns them again", async () => {
    await stores.snapshots.publish([version("n", "1")]);
    await client.script("FLUSH");
    expect((await stores.snapshots.publish([version("n", "2", "b")])).shards).toEqual([shardOf("n")]);
  });

  test("a script called with the wrong number of keys is refused before it reaches Redis", async () => {
    await expect(new RedisScript("beat-1").run(client, [], [0, 0])).rejects.toThrow("Expected 1 keys, got 0");
  });
});

describe("a Redis that does not answer is named by the error of", () => {
  const asks: [string, (lost: Redis) => Promise<unknown>][] = [
    ["a script", async (lost) => new RedisStateStore(lost, keys).get("n")],
    ["a pipeline", async (lost) => new RedisStateStore(lost, keys).listUnhealthy()],
    ["a command", async (lost) => new RedisSnapshotStore(lost, keys, MAX_GAP).version("n")],
    ["a queue", async (lost) => new BullJobQueues(lost, keys, () => {}).ensureReboot("n", 0)],
  ];

  test.each(asks)("%s", async (_what, ask) => {
    const lost = client.duplicate({ lazyConnect: true });
    lost.disconnect();
    await expect(ask(lost)).rejects.toMatchObject({ name: "RedisError", dependency: "Redis" });
  });
});

describe("damaged records", () => {
  test.each([
    ["no version", "{}"],
    ["no text at all", ""],
    ["a version that is no number", "x {}"],
    ["a version so large that it could not move on", `9007199254740992 ${JSON.stringify(aRecord("n"))}`],
    ["a negative version", `-1 ${JSON.stringify(aRecord("n"))}`],
  ])("a record with %s is named damaged and is replaced by whoever says so", async (_, bytes) => {
    await client.hset(keys.records(shardOf("n")), "n", bytes);
    const read = await stores.states.get("n");
    expect(read).toMatchObject({ record: undefined, fault: expect.stringContaining("record of n") });
    expect(await stores.states.compareAndSet("n", "0", aRecord("n"))).toBe(false);
    expect(await stores.states.compareAndSet("n", read.version, aRecord("n"))).toBe(true);
    expect((await stores.states.get("n")).record).toEqual(aRecord("n"));
    expect(await stores.states.compareAndSet("n", read.version, aRecord("n", { gpuNode: true }))).toBe(false);
  });

  test.each(["not JSON", "{}", JSON.stringify(aRecord("other")), JSON.stringify({ schema: 2 })])(
    "a record whose body reads %s is named damaged, and its version still guards it",
    async (body) => {
      await client.hset(keys.records(shardOf("n")), "n", `7 ${body}`);
      expect(await stores.states.get("n")).toMatchObject({ record: undefined, version: "7" });
      expect((await stores.states.get("n")).fault).toContain("record of n");
      expect(await stores.states.compareAndSet("n", "6", aRecord("n"))).toBe(false);
      expect(await stores.states.compareAndSet("n", "7", aRecord("n"))).toBe(true);
    },
  );

  test("of two workers that found the same damage one writes", async () => {
    await client.hset(keys.records(shardOf("n")), "n", "damage");
    await stores.snapshots.publish([version("n", "1")]);
    const over = { recordVersion: "damaged" };
    expect(await commitOne(stores, "n", aRecord("n"), over)).toBe(true);
    expect(await commitOne(stores, "n", aRecord("n", { gpuNode: true }), over)).toBe(false);
  });

  test("a chunk replaces a record with a huge version too, even by the same words, and once", async () => {
    await client.hset(keys.records(shardOf("n")), "n", `9007199254740992 ${JSON.stringify(aRecord("n"))}`);
    await stores.snapshots.publish([version("n", "1")]);
    expect((await pending(stores, "n"))?.recordVersion).toBe("damaged");
    expect(await commitOne(stores, "n", aRecord("n"), { recordVersion: "9007199254740992" })).toBe(false);
    expect(await commitOne(stores, "n", aRecord("n"), { recordVersion: "damaged" })).toBe(true);
    expect((await stores.states.get("n")).record).toEqual(aRecord("n"));
    expect(await commitOne(stores, "n", aRecord("n", { gpuNode: true }), { recordVersion: "damaged" })).toBe(
      false,
    );
  });

  test("a damaged record gets attention although nothing of it can be read", async () => {
    await client.hset(keys.records(shardOf("n")), "n", "damage");
    expect(await stores.snapshots.markAttention()).toEqual([shardOf("n")]);
  });
});

describe("lost marks", () => {
  test("attention adds to what waits already and takes nothing away", async () => {
    const [sick = "", fresh = ""] = Array.from({ length: 99 }, (_, i) => `n-${i}`).filter(
      (n) => shardOf(n) === 0,
    );
    await stores.snapshots.publish([version(sick, "1")]);
    await commitOne(stores, sick, aRecord(sick, { phase: "Unhealthy" }));
    await stores.snapshots.publish([version(fresh, "1")]);
    expect(await stores.snapshots.markAttention()).toEqual([0]);
    const { nodes } = await stores.evaluations.load(0, 10);
    expect(nodes.map(({ name }) => name).toSorted()).toEqual([sick, fresh].toSorted());
  });

  test("a snapshot that was lost is stored again with the next version, though its content is known", async () => {
    await stores.snapshots.publish([version("n", "1")]);
    await commitOne(stores, "n", aRecord("n"));
    await client.del(keys.snapshots(shardOf("n")));
    expect((await stores.snapshots.publish([version("n", "2")])).shards).toEqual([shardOf("n")]);
    expect((await pending(stores, "n"))?.snapshot?.resourceVersion).toBe("2");
  });

  test("attention that was lost is found again in the records", async () => {
    await stores.snapshots.publish([version("n", "1"), version("well", "1")]);
    await commitOne(stores, "n", aRecord("n", { phase: "Unhealthy" }));
    await commitOne(stores, "well", aRecord("well"));
    await client.del(keys.attention(shardOf("n")));
    expect(await stores.snapshots.markAttention()).toEqual([shardOf("n")]);
    expect(await pending(stores, "n")).toBeDefined();
    expect(await pending(stores, "well")).toBeUndefined();
    expect(await stores.states.listUnhealthy()).toHaveLength(1);
  });
});

describe("a name in a shard that is not its own", () => {
  test("is nobody's: no resync asks for it", async () => {
    const other = (shardOf("n") + 1) % 16;
    await client.hset(keys.versions(other), "n", "5 u f");
    await client.hset(keys.records(other), "n", "damage");
    expect(await stores.snapshots.versions(other)).toEqual(new Map());
  });
});

describe("the observation clock", () => {
  test("when the clock of Redis runs back the time in between is counted once", async () => {
    const first = await stores.snapshots.beat(0);
    await client.hset(keys.view, { observed: "5000", until: String(first.now + 3_600_000) });
    const back = await stores.snapshots.beat(0);
    expect(back).toMatchObject({ observed: 5000, age: 0 });
    const next = await stores.snapshots.beat(0);
    expect(next.observed - 5000).toBe(next.now - back.now);
  });

  test.each(["nan", "inf", "1e308", "0x10", "-5", "9".repeat(30), "", "x", " 12"])(
    "with %j in its place the clock starts anew and runs on",
    async (hostile) => {
      for (const field of ["observed", "until"]) {
        const start = await redisNow();
        await client.del(keys.view);
        await client.hset(keys.view, { observed: "0", until: String(start), [field]: hostile });
        const { view } = await stores.evaluations.load(0, 1);
        expect(view.observed).toBe(0);
        await stores.snapshots.beat(0);
        await client.hincrby(keys.view, "until", -50);
        const { observed } = await stores.snapshots.beat(0);
        expect(observed).toBeGreaterThanOrEqual(50);
        expect(observed).toBeLessThan(5000);
      }
    },
  );

  test.each(["nan", "x", "", "9".repeat(14)])(
    "with %j as the beginning of a view, it begins with the next beat",
    async (hostile) => {
      await client.hset(keys.view, { observed: "0", until: String(await redisNow()), since: hostile });
      expect((await stores.snapshots.beat(0)).steady).toBeLessThan(1000);
    },
  );

  test("a view of the future is no view until the next beat", async () => {
    await client.hset(keys.view, { observed: "5000", until: String((await redisNow()) + 60_000) });
    expect((await stores.states.get("n")).view.age).toBeUndefined();
    expect((await stores.evaluations.load(0, 1)).view.age).toBeUndefined();
    await stores.snapshots.beat(0);
    expect((await stores.states.get("n")).view.age).toBeLessThan(5000);
  });

  test("an age beyond all time vouches for nothing", async () => {
    expect((await stores.snapshots.beat(1e15)).age).toBeUndefined();
    expect((await stores.snapshots.beat(0)).observed).toBe(0);
  });
});

describe("the remembered sequence number", () => {
  test.each(["nan", "inf", "0x10", "1e3", "1.5", "-5", "", "x", " 12", "9".repeat(30)])(
    "%j in its place counts as none and is replaced",
    async (hostile) => {
      await client.set(keys.sequence, hostile);
      const memory = new RedisSequenceMemory(client, keys);
      expect(await memory.raise(0)).toBe(0);
      expect(await memory.raise(7)).toBe(7);
      expect(await client.get(keys.sequence)).toBe("7");
    },
  );

  test("bytes of another type are thrown away: they must not hold every reboot for good", async () => {
    await setAll([keys.sequence]);
    const memory = new RedisSequenceMemory(client, keys);
    expect(await memory.raise(0)).toBe(0);
    expect(await memory.raise(7)).toBe(7);
  });
});
