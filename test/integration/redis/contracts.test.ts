import { Queue } from "bullmq";
import { afterAll } from "vitest";
import { QUEUES, type EvaluateJob } from "../../../packages/shared/src/contract/queues.ts";
import { RedisEvaluationStore } from "../../../packages/shared/src/redis/evaluation-store.ts";
import { BullJobQueues } from "../../../packages/shared/src/redis/job-queues.ts";
import { RedisSnapshotStore } from "../../../packages/shared/src/redis/snapshot-store.ts";
import { RedisSequenceMemory } from "../../../packages/shared/src/redis/sequence-memory.ts";
import { RedisStateStore } from "../../../packages/shared/src/redis/state-store.ts";
import { RedisWorkerRegistry } from "../../../packages/shared/src/redis/worker-registry.ts";
import { ManualClock } from "../../../packages/shared/src/testing/manual-clock.ts";
import { MemoryJobQueues } from "../../../packages/shared/src/testing/memory-job-queues.ts";
import { MemorySequence } from "../../../packages/shared/src/testing/memory-sequence.ts";
import { MemoryWorkerRegistry } from "../../../packages/shared/src/testing/memory-worker-registry.ts";
import { MemoryStore } from "../../../packages/shared/src/testing/memory-store.ts";
import { useRedis } from "../../support/redis.ts";
import { evaluationStoreContract } from "./evaluation-store.contract.ts";
import { jobQueuesContract, type ObservedQueues } from "./job-queues.contract.ts";
import { sequenceMemoryContract, type Memories } from "./sequence-memory.contract.ts";
import { snapshotStoreContract } from "./snapshot-store.contract.ts";
import { stateStoreContract } from "./state-store.contract.ts";
import { shardOf } from "../../../packages/shared/src/contract/keys.ts";
import type { Stores } from "./stores.ts";
import { workerRegistryContract, type Registries } from "./worker-registry.contract.ts";

const MAX_GAP = 60_000;
const redis = useRedis();

const memoryStores = (): Stores => {
  const clock = new ManualClock();
  const store = new MemoryStore(clock, { maxGap: MAX_GAP });
  const pass = async (span: number): Promise<void> => clock.advance(span);
  const loseRecord = async (name: string): Promise<void> => void store.records.delete(name);
  return {
    snapshots: store,
    evaluations: store,
    states: store,
    pass,
    at: ({ now }) => now,
    maxGap: MAX_GAP,
    loseRecord,
  };
};

const redisStores = (): Stores => {
  const { keys } = redis.newCluster();
  const client = redis.connect();
  let passed = 0;
  return {
    snapshots: new RedisSnapshotStore(client, keys, MAX_GAP),
    evaluations: new RedisEvaluationStore(client, keys),
    states: new RedisStateStore(client, keys),
    pass: async (span) => {
      passed += span;
      for (const instant of ["until", "since"]) await client.hincrby(keys.view, instant, -span);
    },
    at: ({ now }) => now + passed,
    maxGap: MAX_GAP,
    loseRecord: async (name) => void (await client.hdel(keys.records(shardOf(name)), name)),
  };
};

for (const contract of [snapshotStoreContract, evaluationStoreContract, stateStoreContract]) {
  contract("memory", memoryStores);
  contract("Redis", redisStores);
}

sequenceMemoryContract("memory", (): Memories => {
  const memory = new MemorySequence(new ManualClock());
  return { clients: [memory, memory], forge: async (seq) => void (memory.highest = seq) };
});

sequenceMemoryContract("Redis", (): Memories => {
  const { keys } = redis.newCluster();
  const client = redis.connect();
  return {
    clients: [new RedisSequenceMemory(client, keys), new RedisSequenceMemory(redis.connect(), keys)],
    forge: async (seq) => void (await client.set(keys.sequence, String(seq))),
  };
});

const SILENCE = 30_000;

workerRegistryContract("memory", SILENCE, (): Registries => {
  const clock = new ManualClock();
  const registry = new MemoryWorkerRegistry(clock, SILENCE);
  return { clients: [registry, registry], pass: async (span) => clock.advance(span) };
});

workerRegistryContract("Redis", SILENCE, (): Registries => {
  const { keys } = redis.newCluster();
  const connections = [redis.connect(), redis.connect()] as const;
  const [client] = connections;
  const [one, other] = connections;
  const pass = async (span: number): Promise<void> => {
    for (const [id, said] of Object.entries(await client.hgetall(keys.workers))) {
      const [at = "", ...rest] = said.split(" ");
      await client.hset(keys.workers, id, [Math.round(Number(at) - span), ...rest].join(" "));
    }
  };
  return {
    clients: [new RedisWorkerRegistry(one, keys, SILENCE), new RedisWorkerRegistry(other, keys, SILENCE)],
    pass,
  };
});

jobQueuesContract("memory", (): ObservedQueues => {
  const clock = new ManualClock();
  const queues = new MemoryJobQueues(clock);
  return {
    queues,
    woken: async () => [...queues.woken],
    pending: async () => [...queues.reboots].map(([node, at]) => ({ node, delay: at - clock.now() })),
  };
});

const open: { close: () => Promise<void> }[] = [];
afterAll(async () => {
  await Promise.all(open.map(async (queue) => queue.close()));
});

jobQueuesContract("Redis", (): ObservedQueues => {
  const { keys } = redis.newCluster();
  const connection = redis.connect();
  const queues = new BullJobQueues(connection, keys, () => {});
  const wakeUps = new Queue<EvaluateJob>(QUEUES.nodeSnapshots, { connection, prefix: keys.prefix });
  const reboots = new Queue(QUEUES.reboots, { connection, prefix: keys.prefix });
  open.push(queues, wakeUps, reboots);
  return {
    queues,
    woken: async () => (await wakeUps.getJobs(["waiting"])).map((job) => job.data.shard),
    pending: async () =>
      (await reboots.getJobs(["delayed", "waiting", "prioritized"])).map((job) => ({
        node: job.name,
        delay: Math.max(0, job.delay),
      })),
  };
});
