import { randomUUID } from "node:crypto";
import { DelayedError, type Job } from "bullmq";
import type { Redis } from "ioredis";
import { SHARDS, type Keys } from "../../../packages/shared/src/contract/keys.ts";
import type { RebootJob } from "../../../packages/shared/src/contract/queues.ts";
import { createCheckers } from "../../../packages/shared/src/core/checkers/registry.ts";
import type { NodeSnapshot } from "../../../packages/shared/src/core/node.ts";
import { DEFAULT_POLICY } from "../../../packages/shared/src/core/policy.ts";
import { MINUTE, SECOND } from "../../../packages/shared/src/core/time.ts";
import { RedisEvaluationStore } from "../../../packages/shared/src/redis/evaluation-store.ts";
import { digestOf } from "../../../packages/shared/src/redis/snapshot-digest.ts";
import { RedisSnapshotStore } from "../../../packages/shared/src/redis/snapshot-store.ts";
import { RedisSequenceMemory } from "../../../packages/shared/src/redis/sequence-memory.ts";
import { RedisStateStore } from "../../../packages/shared/src/redis/state-store.ts";
import { RedisWorkerRegistry } from "../../../packages/shared/src/redis/worker-registry.ts";
import { systemClock } from "../../../packages/shared/src/runtime/system-clock.ts";
import { MemoryExecutor } from "../../../packages/shared/src/testing/memory-executor.ts";
import { MemoryJobQueues } from "../../../packages/shared/src/testing/memory-job-queues.ts";
import { MemoryNodeReader } from "../../../packages/shared/src/testing/memory-node-reader.ts";
import { MemoryNodeSource } from "../../../packages/shared/src/testing/memory-node-source.ts";
import { resync } from "../../../packages/watcher/src/resync.ts";
import { RedisPlanStore } from "../../../packages/shared/src/redis/plan-store.ts";
import { CallBrake } from "../../../packages/worker/src/call-brake.ts";
import { Evaluator } from "../../../packages/worker/src/evaluator.ts";
import type { Journal } from "../../../packages/worker/src/journal.ts";
import { runRebootJob } from "../../../packages/worker/src/reboot-job.ts";
import { RebootProcessor } from "../../../packages/worker/src/reboot-processor.ts";
import { Whereabouts } from "../../../packages/worker/src/whereabouts.ts";
import { limitsOfCounts } from "../../support/limits.ts";
import { grownLedger, rebootParts } from "../../support/reboot-parts.ts";

const policy = {
  ...DEFAULT_POLICY,
  monitorOnly: false,
  blindGrace: 0,
  // The limits that spread reboots over minutes are not what hostile bytes must be stopped by.
  limits: limitsOfCounts({ pool: 10, zone: 10, cluster: 10 }),
};
const rules = { policy, checkers: createCheckers(policy) };

/** A watcher and a worker in one process, over the keys of one cluster in a real Redis; the cloud only writes down. */
export function agentOn(client: Redis, keys: Keys, journal: Journal) {
  const snapshots = new RedisSnapshotStore(client, keys, 90 * SECOND);
  const store = new RedisStateStore(client, keys);
  const queues = new MemoryJobQueues(systemClock);
  const reader = new MemoryNodeReader();
  const source = new MemoryNodeSource(systemClock);
  const executor = new MemoryExecutor(systemClock);
  const evaluator = new Evaluator({
    store: new RedisEvaluationStore(client, keys),
    queues,
    journal,
    rules,
    chunk: 100,
  });
  const registry = new RedisWorkerRegistry(client, keys, 30 * SECOND);
  // The worst that a node can be: that of the worker and of Redis.
  const whereabouts = new Whereabouts({
    registry,
    self: { id: "worker", node: "node-1", monitorOnly: false },
    redisNodes: ["node-1"],
    redisAddresses: async () => [],
    onFault: (fault) => journal.fault("Redis", String(fault)),
  });
  const timings = {
    sendDeadline: MINUTE,
    callDeadline: SECOND,
    readDeadline: 5 * SECOND,
    blockedRetry: SECOND,
    retryPause: SECOND,
    flight: SECOND,
    planStale: SECOND,
  };
  const ledger = grownLedger(systemClock);
  const processor = new RebootProcessor({
    store,
    reader,
    selects: () => true,
    ...rebootParts({
      store,
      ledger,
      memory: new RedisSequenceMemory(client, keys),
      reader,
      rules,
      clock: systemClock,
    }),
    executor,
    brake: new CallBrake(systemClock, rules.policy.limits),
    plans: new RedisPlanStore(client, keys),
    whereabouts,
    journal,
    rules,
    clock: systemClock,
    timings,
    newToken: randomUUID,
    jitter: async () => undefined,
  });
  const jobDeps = {
    processor,
    queues,
    store,
    journal,
    clock: systemClock,
    minPause: 1,
    retryPause: 10,
    lockDuration: 30_000,
  };
  return {
    snapshots,
    store,
    registry,
    executor,
    ledger,
    place: (...nodes: readonly NodeSnapshot[]) => {
      reader.set(...nodes);
      source.place(...nodes);
    },
    /** Judges every shard; the shards that failed and why. */
    judgeAll: async (): Promise<string[]> => {
      const failed: string[] = [];
      for (let shard = 0; shard < SHARDS; shard += 1) {
        await evaluator.run(shard).catch((error: Error) => failed.push(`${shard}: ${error.message}`));
      }
      return failed;
    },
    /** One activation of the pending reboot; it may end or sleep, nothing else. */
    activate: async (node: string): Promise<void> => {
      const job = {
        name: node,
        data: { schema: 1, node },
        progress: 0,
        updateProgress: async () => undefined,
        log: async () => 1,
        moveToDelayed: async (at: number) => {
          if (!Number.isSafeInteger(Math.round(at))) throw new RangeError(`slept until ${at}`);
        },
      } as unknown as Job<RebootJob>;
      const signal = new AbortController().signal;
      await runRebootJob(job, "lock", signal, jobDeps).catch((error: unknown) => {
        if (!(error instanceof DelayedError)) throw error;
      });
    },
    resync: async () =>
      resync({
        source,
        store: snapshots,
        queues,
        reader,
        clock: systemClock,
        fingerprint: digestOf,
        selects: () => true,
        isNewer: (a, b) => /^\d+$/u.test(b) && (a.length === b.length ? a > b : a.length > b.length),
      }),
  };
}
