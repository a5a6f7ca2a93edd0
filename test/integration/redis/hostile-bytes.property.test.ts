import fc from "fast-check";
import type { Redis } from "ioredis";
import { beforeEach, expect, test } from "vitest";
import { SHARDS, shardOf, type Keys } from "../../../packages/shared/src/contract/keys.ts";
import { MINUTE, SECOND } from "../../../packages/shared/src/core/time.ts";
import { aNode } from "../../../packages/shared/src/testing/builders.ts";
import { useRedis } from "../../support/redis.ts";
import { RecordingJournal } from "../../unit/worker/recording-journal.ts";
import { agentOn } from "./hostile-agent.ts";
import { aRecord } from "./stores.ts";

const redis = useRedis();
const NODE = "node-1";
const OTHER = "node-2";
let client: Redis;
beforeEach(() => {
  client = redis.connect();
});

/** A valid record or snapshot of somebody, with some of its values replaced. */
const mutated = fc
  .tuple(
    fc.constantFrom<object>(
      aRecord(NODE, {
        phase: "Unhealthy",
        failing: { NodeReady: { since: 1, sinceObserved: 0, reason: "KubeletNotReady" } },
        incident: { id: "i", startedAt: 1, attempts: 0 },
        lastReboot: {
          incidentId: "i",
          number: 1,
          instanceId: "x",
          token: "t",
          intendedAt: 1,
          outcome: "Intent",
          detail: "",
          waitUntil: 2,
        },
      }),
      aNode(NODE).notReady().snapshot(),
    ),
    fc.dictionary(
      fc.constantFrom(
        "schema",
        "phase",
        "failing",
        "incident",
        "lastReboot",
        "gpuHighWater",
        "name",
        "labels",
        "conditions",
        "capacity",
        "resourceVersion",
        "phaseSince",
      ),
      fc.oneof(fc.jsonValue(), fc.constantFrom(8.64e15, 1e308, -1, "", null, {}, [])),
      { maxKeys: 4 },
    ),
  )
  .map(([base, over]) => JSON.stringify({ ...base, ...over }));

const bytes = fc.oneof(
  fc.string(),
  fc.string({ unit: "binary" }),
  fc.json(),
  mutated,
  fc
    .tuple(fc.constantFrom("1", "0", "12", "99999999999999999999", "x"), mutated)
    .map(([v, json]) => `${v} ${json}`),
  fc.tuple(fc.string(), fc.string(), fc.string()).map((words) => words.join(" ")),
  fc.constantFrom("gone", "", " ", "nan", "inf", "1e308", "0x10", "9".repeat(40), `${"9".repeat(38)} u f`),
);
const field = fc.oneof(
  { weight: 5, arbitrary: fc.constant(NODE) },
  { weight: 1, arbitrary: fc.constantFrom("__proto__", "constructor", "", "../..", "observed", "until") },
  { weight: 1, arbitrary: fc.string({ maxLength: 300 }) },
);
const WHERE = [
  "snapshots",
  "versions",
  "records",
  "dirty",
  "attention",
  "view",
  "sequence",
  "workers",
] as const;
const damage = fc.record({
  where: fc.constantFrom(...WHERE),
  field,
  bytes,
  wrongType: fc.boolean(),
});
type Damage = typeof damage extends fc.Arbitrary<infer T> ? T : never;

function keyOf(keys: Keys, where: Damage["where"], name: string): string {
  const key = keys[where];
  return typeof key === "string" ? key : key(shardOf(name));
}

async function apply(keys: Keys, { where, field: name, bytes: value, wrongType }: Damage): Promise<void> {
  const key = keyOf(keys, where, wrongType ? NODE : name);
  if (wrongType) {
    await client.del(key);
    await client.rpush(key, value);
    return;
  }
  if ((await client.type(key)) === "list") await client.del(key);
  if (where === "dirty" || where === "attention") await client.sadd(key, name);
  else if (where === "sequence") await client.set(key, value);
  else if (where === "view") {
    await client.hset(key, "observed", value, "until", value, name, value);
  } else await client.hset(key, name, value);
}

test("whatever stands in Redis: nothing crashes, a healthy node is never rebooted, and a resync heals", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(damage, { minLength: 1, maxLength: 5 }), async (damages) => {
      const { keys } = redis.newCluster();
      const it = agentOn(client, keys, new RecordingJournal());
      it.place(aNode(NODE).resourceVersion(50).snapshot(), aNode(OTHER).resourceVersion(51).snapshot());
      await it.snapshots.beat(0);
      await it.resync();
      expect(await it.judgeAll()).toEqual([]);

      for (const each of damages) await apply(keys, each);
      await it.activate(NODE);
      await it.judgeAll();
      await it.activate(NODE);
      await it.snapshots.beat(0);
      for (let tick = 0; tick < 3; tick += 1) {
        await it.resync();
        await it.judgeAll();
      }
      await it.activate(NODE);
      const failed = await it.judgeAll();
      expect(it.executor.calls).toEqual([]);
      expect((await it.store.get(OTHER)).record?.phase).toBe("Healthy");
      await it.registry.beat({ id: "worker", monitorOnly: false });
      expect(await it.registry.live()).toContainEqual({ id: "worker", monitorOnly: false });
      expect([...failed, ...(await it.judgeAll())]).toEqual([]);
      await it.resync();
      const stored = await Promise.all(
        Array.from({ length: SHARDS }, async (_, shard) => [...(await it.snapshots.versions(shard)).keys()]),
      );
      expect(stored.flat().toSorted()).toEqual([NODE, OTHER]);
      const counts = (await it.store.countRecords()).filter(({ gauge }) => gauge === "nodes");
      expect(counts.reduce((sum, { count }) => sum + count, 0)).toBe(2);
    }),
    { numRuns: 80 },
  );
}, 120_000);

test("whatever replaces the record of a node inside its wait, nothing is called within it", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.oneof(
        fc.string(),
        fc.json(),
        fc.string().map((text) => `5 ${text}`),
        fc.constant(""),
      ),
      async (garbage) => {
        const { keys } = redis.newCluster();
        const it = agentOn(client, keys, new RecordingJournal());
        it.place(aNode(NODE).resourceVersion(50).notReady().snapshot());
        await it.snapshots.beat(0);
        await it.resync();
        await client.hset(keys.view, "observed", String(3600 * SECOND));
        await client.hset(keys.records(shardOf(NODE)), NODE, garbage);
        for (let tick = 0; tick < 3; tick += 1) {
          await it.judgeAll();
          await it.activate(NODE);
          await it.resync();
          await client.hincrby(keys.view, "observed", 10 * MINUTE);
        }
        await it.activate(NODE);
        expect(it.executor.calls).toEqual([]);
        expect((await it.store.get(NODE)).record?.lastReboot).toMatchObject({
          outcome: "Unknown",
          token: "damaged",
        });
      },
    ),
    { numRuns: 40 },
  );
}, 60_000);

test.each(["list", "string", "set", "zset"])(
  "a %s in place of the records after a reboot: a resync builds them anew, and nothing is called within the wait",
  async (type) => {
    const { keys } = redis.newCluster();
    const journal = new RecordingJournal();
    const it = agentOn(client, keys, journal);
    const sick = aNode(NODE).notReady().resourceVersion(50).snapshot();
    it.place(sick, aNode(OTHER).resourceVersion(51).snapshot());
    const look = async (): Promise<void> => {
      await it.snapshots.beat(0);
      await it.resync();
      await it.judgeAll();
      await client.hincrby(keys.view, "observed", 10 * MINUTE);
      await it.activate(NODE);
    };
    await look();
    expect(it.executor.calls).toHaveLength(1);
    for (let round = 0; round < 3; round += 1) {
      const records = keys.records(shardOf(NODE));
      await client.del(records);
      if (type === "list") await client.rpush(records, NODE);
      else if (type === "string") await client.set(records, NODE);
      else if (type === "set") await client.sadd(records, NODE);
      else await client.zadd(records, 1, NODE);
      await it.activate(NODE);
      await look();
      await look();
      expect((await it.store.get(NODE)).record?.phase).toBe("WaitingReboot");
      const [, held] = journal.lines.findLast(({ kind }) => kind === "held")?.args ?? [];
      expect(held).toMatchObject({ step: "WaitUntil", gate: "WaitWindow" });
    }
    expect(it.executor.calls).toHaveLength(1);
  },
);
