import { Queue, type Job } from "bullmq";
import { Cluster, type Redis } from "ioredis";
import { keysOf, SHARDS, type Keys } from "@node-agent/shared/contract/keys.ts";
import { QUEUES, type RebootJob } from "@node-agent/shared/contract/queues.ts";
import type { NodeRecord } from "@node-agent/shared/core/record.ts";
import { RedisStateStore } from "@node-agent/shared/redis/state-store.ts";
import type { TopologyRedis } from "./topology-redis.ts";

/** What can be seen of a topology in Redis. Everything waits while Redis is away. */
export interface Observation {
  readonly keys: Keys;
  readonly rebootQueue: Queue<RebootJob>;
  /** The record of a node; undefined when there is none. */
  readonly record: (node: string) => Promise<NodeRecord | undefined>;
  readonly records: () => Promise<NodeRecord[]>;
  /** The pending reboot of a node (waiting, delayed or running), if there is one. */
  readonly pendingReboot: (node: string) => Promise<Job<RebootJob> | undefined>;
  readonly pendingReboots: () => Promise<Job<RebootJob>[]>;
  /** Every key that still knows a node by name: its own, its fields and members in shared ones, its unfinished jobs. */
  readonly tracesOf: (node: string) => Promise<string[]>;
}

/** Looks at the Redis of a topology through the product's own store and queue. */
export function observe(redis: TopologyRedis, cluster: string): Observation & AsyncDisposable {
  const keys = keysOf(cluster);
  const store = new RedisStateStore(redis.client, keys);
  const connection = redis.connect();
  const rebootQueue = new Queue<RebootJob>(QUEUES.reboots, { connection, prefix: keys.prefix });
  rebootQueue.on("error", () => {});
  const record: Observation["record"] = async (node) => (await store.get(node)).record;
  const pendingReboots: Observation["pendingReboots"] = async () =>
    rebootQueue.getJobs(["active", "waiting", "delayed", "prioritized"]);
  return {
    keys,
    rebootQueue,
    record,
    records: async () => {
      const names: string[] = [];
      for (let shard = 0; shard < SHARDS; shard += 1) {
        names.push(...(await redis.client.hkeys(keys.records(shard))));
      }
      const records = await Promise.all(names.map(record));
      return records.filter((one) => one !== undefined);
    },
    pendingReboots,
    // A job that was removed between the list and its read is a hole in the list.
    pendingReboot: async (node) => (await pendingReboots()).find((job) => job?.name === node),
    tracesOf: async (node) => tracesOf(redis.client, keys, node),
    [Symbol.asyncDispose]: async () => {
      await rebootQueue.close();
      connection.disconnect();
    },
  };
}

/** Every key, field and member of the cluster that is named after the node; finished jobs are a log and no state. */
async function tracesOf(client: Redis | Cluster, keys: Keys, node: string): Promise<string[]> {
  const traces: string[] = [];
  const pattern = `${keys.prefix.replaceAll(/[[\]*?\\]/gu, String.raw`\$&`)}*`;
  const servers = client instanceof Cluster ? client.nodes("master") : [client];
  for (const server of servers) {
    const keysFound: string[] = [];
    for await (const page of server.scanStream({ match: pattern, count: 1000 })) {
      keysFound.push(...(page as string[]));
    }
    for (const key of keysFound) {
      if (key.includes(node)) traces.push(key);
      const type = await client.type(key);
      if (type === "hash" && (await client.hexists(key, node)) === 1) traces.push(key);
      if (type === "hash" && (await isUnfinishedJobOf(client, key, node))) traces.push(key);
      if (type === "set" && (await client.sismember(key, node)) === 1) traces.push(key);
    }
  }
  return traces;
}

async function isUnfinishedJobOf(client: Redis | Cluster, key: string, node: string): Promise<boolean> {
  const [name, finishedOn] = await client.hmget(key, "name", "finishedOn");
  return name === node && finishedOn === null;
}
