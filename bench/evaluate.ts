/**
 * Nodes judged per second: 10,000 nodes in one Redis, from the wake-up of the shards to the last commit.
 *
 *   chunked        the product's evaluator behind the queue `node-snapshots`: a job per shard, 250 nodes per load and commit
 *   bare           baseline 1: the commit script once per node in pipelines of 250, nothing loaded and nothing judged
 *   job per node   baseline 2: the same judgement and commit, one BullMQ job for each node, 50 at a time
 *
 * "first sight" writes a record for every node, as after a restart with an empty Redis; "again" finds nothing changed.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { Queue, Worker } from "bullmq";
import { Redis } from "ioredis";
import { keysOf, SHARDS, shardOf } from "@node-agent/shared/contract/keys.ts";
import { QUEUES } from "@node-agent/shared/contract/queues.ts";
import { parseStored, snapshotSchema } from "@node-agent/shared/contract/stored.ts";
import { createCheckers } from "@node-agent/shared/core/checkers/registry.ts";
import type { NodeSnapshot } from "@node-agent/shared/core/node.ts";
import { DEFAULT_POLICY } from "@node-agent/shared/core/policy.ts";
import { digestOf } from "@node-agent/shared/redis/snapshot-digest.ts";
import type { ClusterView } from "@node-agent/shared/ports/snapshot-store.ts";
import { RedisEvaluationStore } from "@node-agent/shared/redis/evaluation-store.ts";
import { BullJobQueues } from "@node-agent/shared/redis/job-queues.ts";
import { decodeRecord } from "@node-agent/shared/redis/record-codec.ts";
import { RedisSnapshotStore } from "@node-agent/shared/redis/snapshot-store.ts";
import { aNode } from "@node-agent/shared/testing/builders.ts";
import { startRedis } from "../scripts/setup/redis.mjs";
import { Evaluator } from "../packages/worker/src/evaluator.ts";
import type { Journal } from "../packages/worker/src/journal.ts";
import { judge, type Rules } from "@node-agent/shared/core/judge.ts";
import { machine, perSecond, progress, quantile, spread, table } from "./support/report.ts";

const NODES = 10_000;
const ROUNDS = 3;
const CHUNK = 250;
/** The defaults of a worker's `concurrency.evaluations`, and what suited a job per node best (facts on queues, 6). */
const CONCURRENCY = { chunked: 4, perNode: 50 };

const keys = keysOf("bench");
const shards = Array.from({ length: SHARDS }, (_, shard) => shard);
const rules: Rules = { checkers: createCheckers(DEFAULT_POLICY), policy: DEFAULT_POLICY };
const snapshots: NodeSnapshot[] = Array.from({ length: NODES }, (_, i) => {
  const node = aNode(`node-${i}`);
  return (i % 5 === 0 ? node.gpu(8) : node).snapshot();
});
/** Counting and logging are measured nowhere else either; the three designs are compared without them. */
const quiet: Journal = {
  judged: () => undefined,
  held: () => undefined,
  requested: () => undefined,
  answered: () => undefined,
  verified: () => undefined,
  recalled: () => undefined,
  fault: (_, detail) => {
    throw new Error(detail);
  },
};

await using stack = new AsyncDisposableStack();
const redis = stack.adopt(await startRedis(), async (one) => one.stop());
const connect = (): Redis =>
  stack.adopt(new Redis(redis.url, { maxRetriesPerRequest: null }), (client) => client.disconnect());
const client = connect();
const producer = connect();
const consumer = connect();
const store = new RedisSnapshotStore(client, keys, 60_000);
const evaluations = new RedisEvaluationStore(client, keys);
const fail = (error: Error): never => {
  throw error;
};

/** Snapshots stored and marked dirty; with `fresh` no record of them is left. */
async function prepare(fresh: boolean): Promise<void> {
  if (fresh) await client.flushall();
  await store.beat(0);
  await store.publish(snapshots.map((snapshot) => ({ snapshot, fingerprint: digestOf(snapshot) })));
  for (const [shard, nodes] of Map.groupBy(snapshots, ({ name }) => shardOf(name)))
    await client.sadd(keys.dirty(shard), ...nodes.map(({ name }) => name));
}

async function dirtyLeft(): Promise<number> {
  const counts = await Promise.all(shards.map(async (shard) => client.scard(keys.dirty(shard))));
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Judged nodes per second. Throws when some are left. */
async function timed(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  const took = performance.now() - startedAt;
  const left = await dirtyLeft();
  if (left > 0) throw new Error(`${left} nodes were not judged`);
  return (NODES * 1000) / took;
}

async function chunked(): Promise<number> {
  const queues = new BullJobQueues(producer, keys, fail);
  const evaluator = new Evaluator({ store: evaluations, queues, journal: quiet, rules, chunk: CHUNK });
  let judged = 0;
  const done = Promise.withResolvers<void>();
  const worker = new Worker<{ shard: number }, number>(
    QUEUES.nodeSnapshots,
    async ({ data }) => {
      const count = await evaluator.run(data.shard);
      judged += count;
      if (judged >= NODES) done.resolve();
      return count;
    },
    { connection: consumer, prefix: keys.prefix, concurrency: CONCURRENCY.chunked },
  );
  worker.on("error", done.reject).on("failed", (_, error) => done.reject(error));
  await worker.waitUntilReady();
  try {
    return await timed(async () => {
      await queues.wakeShards(shards);
      await done.promise;
    });
  } finally {
    await worker.close();
    await queues.close();
  }
}

async function jobPerNode(): Promise<number> {
  const queue = new Queue<{ node: string }>("per-node", { connection: producer, prefix: keys.prefix });
  const view = await store.beat(0);
  let judged = 0;
  const done = Promise.withResolvers<void>();
  const worker = new Worker<{ node: string }>(
    "per-node",
    async ({ data }) => {
      await judgeOne(data.node, view);
      judged += 1;
      if (judged === NODES) done.resolve();
    },
    { connection: consumer, prefix: keys.prefix, concurrency: CONCURRENCY.perNode },
  );
  worker.on("error", done.reject).on("failed", (_, error) => done.reject(error));
  await worker.waitUntilReady();
  try {
    return await timed(async () => {
      for (let i = 0; i < NODES; i += 500) {
        await queue.addBulk(
          snapshots.slice(i, i + 500).map(({ name }) => ({
            name: "evaluate",
            data: { node: name },
            opts: { removeOnComplete: true },
          })),
        );
      }
      await done.promise;
    });
  } finally {
    await worker.close();
    await queue.close();
  }
}

async function judgeOne(name: string, view: ClusterView): Promise<void> {
  const shard = shardOf(name);
  const [json, version, raw] = await Promise.all([
    client.hget(keys.snapshots(shard), name),
    client.hget(keys.versions(shard), name),
    client.hget(keys.records(shard), name),
  ]);
  const snapshot = parseStored(name, json ?? "", snapshotSchema);
  if (!snapshot.ok) throw new Error(snapshot.fault);
  const stored = decodeRecord(name, raw ?? "");
  const judged = judge(snapshot.value, { record: stored.record, damaged: false }, rules, view);
  const base = { name, snapshotVersion: version ?? "", recordVersion: stored.version };
  await evaluations.commit(shard, [{ ...base, record: judged.changed ? judged.after : "keep" }]);
}

async function bare(): Promise<number> {
  const script = readFileSync(
    new URL("../packages/shared/src/redis/commands/commit-6.lua", import.meta.url),
    "utf8",
  );
  await client.script("LOAD", script);
  const sha = createHash("sha1").update(script).digest("hex");
  const view = await store.beat(0);
  const versions = await Promise.all(shards.map(async (shard) => client.hgetall(keys.versions(shard))));
  const records = await Promise.all(shards.map(async (shard) => client.hgetall(keys.records(shard))));
  // What is written is made before the clock starts: only the scripts and their transport are measured.
  const commits = snapshots.map((snapshot) => {
    const { name } = snapshot;
    const shard = shardOf(name);
    const stored = decodeRecord(name, records[shard]?.[name] ?? "");
    const { after, changed } = judge(snapshot, { record: stored.record, damaged: false }, rules, view);
    const version = versions[shard]?.[name] ?? "";
    const args = changed
      ? [name, "write", stored.version, JSON.stringify(after), version, "0"]
      : [name, "keep", stored.version, "", version, "keep"];
    return {
      at: [keys.records(shard), keys.versions(shard), keys.dirty(shard), keys.attention(shard)],
      args,
    };
  });
  return timed(async () => {
    for (let i = 0; i < NODES; i += CHUNK) {
      const pipeline = client.pipeline();
      for (const { at, args } of commits.slice(i, i + CHUNK)) pipeline.evalsha(sha, 4, ...at, ...args);
      await pipeline.exec();
    }
  });
}

console.log(`# judged nodes per second\n\n${machine()}; ${NODES} nodes, median of ${ROUNDS} rounds\n`);
const designs = { chunked, bare, "job per node": jobPerNode };
const rows: string[][] = [];
for (const [workload, fresh] of [
  ["first sight", true],
  ["again", false],
] as const) {
  const rates: Record<string, number[]> = {};
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, run] of Object.entries(designs)) {
      await prepare(fresh);
      const rate = await run();
      (rates[name] ??= []).push(rate);
      progress(`${workload}, round ${round + 1}: ${name} ${perSecond(rate)}`);
    }
  }
  const ours = quantile(rates["chunked"] ?? [], 0.5);
  for (const [name, samples] of Object.entries(rates)) {
    rows.push([
      workload,
      name,
      spread(samples, perSecond),
      `${(ours / quantile(samples, 0.5)).toFixed(2)} x`,
    ]);
  }
}
console.log(table(["workload", "design", "nodes per second", "chunked is"], rows));
