import { randomUUID } from "node:crypto";
import { Queue, type Job } from "bullmq";
import type { Redis } from "ioredis";
import { SHARDS, shardOf, type Keys } from "../../../packages/shared/src/contract/keys.ts";
import { QUEUES, type RebootJob } from "../../../packages/shared/src/contract/queues.ts";
import { createCheckers } from "../../../packages/shared/src/core/checkers/registry.ts";
import type { HealthChecker } from "../../../packages/shared/src/core/check.ts";
import type { NodeSnapshot } from "../../../packages/shared/src/core/node.ts";
import { DEFAULT_POLICY, type RepairPolicy } from "../../../packages/shared/src/core/policy.ts";
import { MINUTE, SECOND, type Millis } from "../../../packages/shared/src/core/time.ts";
import { RedisEvaluationStore } from "../../../packages/shared/src/redis/evaluation-store.ts";
import { BullJobQueues } from "../../../packages/shared/src/redis/job-queues.ts";
import { digestOf } from "../../../packages/shared/src/redis/snapshot-digest.ts";
import { RedisSnapshotStore } from "../../../packages/shared/src/redis/snapshot-store.ts";
import { RedisSequenceMemory } from "../../../packages/shared/src/redis/sequence-memory.ts";
import { RedisStateStore } from "../../../packages/shared/src/redis/state-store.ts";
import { systemClock } from "../../../packages/shared/src/runtime/system-clock.ts";
import type { NodeBuilder } from "../../../packages/shared/src/testing/builders.ts";
import { MemoryExecutor } from "../../../packages/shared/src/testing/memory-executor.ts";
import { MemoryNodeReader } from "../../../packages/shared/src/testing/memory-node-reader.ts";
import { MemoryNodeSource } from "../../../packages/shared/src/testing/memory-node-source.ts";
import { resync, type ResyncResult } from "../../../packages/watcher/src/resync.ts";
import { BullRebootQueue } from "../../../packages/shared/src/redis/reboot-queue.ts";
import { RedisPlanStore } from "../../../packages/shared/src/redis/plan-store.ts";
import { CallBrake } from "../../../packages/worker/src/call-brake.ts";
import { Evaluator } from "../../../packages/worker/src/evaluator.ts";
import { Planner } from "../../../packages/worker/src/planner.ts";
import { startQueueWorkers, type QueueWorkers } from "../../../packages/worker/src/queue-workers.ts";
import { RebootProcessor } from "../../../packages/worker/src/reboot-processor.ts";
import type { RebootJobDeps } from "../../../packages/worker/src/reboot-job.ts";
import type { RebootDeps } from "../../../packages/worker/src/reboot-transaction.ts";
import { grownLedger, rebootParts } from "../../support/reboot-parts.ts";
import { limitsOfCounts } from "../../support/limits.ts";
import type { TestRedis } from "../../support/redis.ts";
import { RecordingJournal } from "../../unit/worker/recording-journal.ts";

const ACTIVE: RepairPolicy = { ...DEFAULT_POLICY, monitorOnly: false, blindGrace: 0 };
const NEVER: RepairPolicy["checkers"]["NodeReady"] = { enabled: true, threshold: MINUTE, action: "Reboot" };

/** The policy with a threshold for NodeReady and a wait of these spans; limits that never bind. */
export function quick(threshold: Millis, wait: Millis): RepairPolicy {
  const checkers = { ...ACTIVE.checkers, NodeReady: { ...NEVER, threshold } };
  const limits = limitsOfCounts({ pool: 1 });
  return {
    ...ACTIVE,
    storm: { ...ACTIVE.storm, settle: 0 },
    checkers,
    rebootWait: { standard: wait, gpu: wait },
    limits,
  };
}

/** One cluster on a real Redis: watchers' and workers' parts in one process, API server and cloud in memory. */
export class Fleet implements AsyncDisposable {
  readonly client: Redis;
  readonly keys: Keys;
  readonly journal = new RecordingJournal();
  readonly snapshots: RedisSnapshotStore;
  readonly evaluations: RedisEvaluationStore;
  readonly states: RedisStateStore;
  readonly queues: BullJobQueues;
  readonly reboots: Queue<RebootJob>;
  readonly wakeUps: Queue;
  readonly reader = new MemoryNodeReader();
  readonly source = new MemoryNodeSource(systemClock);
  readonly executor = new MemoryExecutor(systemClock);
  readonly ledger = grownLedger(systemClock);
  /** Every judgement by a checker: node and resourceVersion, in order. */
  readonly judged: { name: string; resourceVersion: string }[] = [];
  readonly #redis: TestRedis;
  readonly #policy: RepairPolicy;
  readonly #workers: QueueWorkers[] = [];
  readonly #errors: Error[] = [];
  readonly #ended = new AbortController();
  readonly #planners: Promise<void>[] = [];
  readonly #queues: BullRebootQueue[] = [];
  #beats: NodeJS.Timeout | undefined;
  #resourceVersion = 0;

  constructor(redis: TestRedis, policy: RepairPolicy = ACTIVE) {
    this.#redis = redis;
    this.#policy = policy;
    this.client = redis.connect();
    ({ keys: this.keys } = redis.newCluster());
    this.snapshots = new RedisSnapshotStore(this.client, this.keys, 90 * SECOND);
    this.evaluations = new RedisEvaluationStore(this.client, this.keys);
    this.states = new RedisStateStore(this.client, this.keys);
    this.queues = new BullJobQueues(this.client, this.keys, (error) => void this.#errors.push(error));
    const options = { connection: this.client, prefix: this.keys.prefix };
    this.reboots = new Queue(QUEUES.reboots, options);
    this.wakeUps = new Queue(QUEUES.nodeSnapshots, options);
  }

  /** Starts another worker with connections of its own; `locks`: how soon others take over when it dies. */
  startWorker(
    over: Partial<RebootJobDeps> = {},
    locks = { lockDuration: 30 * SECOND, stalledInterval: 5 * SECOND },
    place: Partial<RebootDeps> = {},
  ): QueueWorkers {
    const { states, queues, journal, keys } = this;
    const connection = this.#redis.connect();
    const rules = { policy: this.#policy, checkers: this.#spyingCheckers() };
    const store = new RedisEvaluationStore(this.#redis.connect(), keys);
    const processor = new RebootProcessor({
      store: states,
      reader: this.reader,
      selects: () => true,
      ...rebootParts({
        store: states,
        ledger: this.ledger,
        memory: new RedisSequenceMemory(this.client, this.keys),
        reader: this.reader,
        rules,
        clock: systemClock,
      }),
      executor: this.executor,
      brake: new CallBrake(systemClock, rules.policy.limits),
      plans: new RedisPlanStore(this.client, keys),
      whereabouts: { hosting: async () => undefined },
      journal,
      rules,
      clock: systemClock,
      timings: {
        sendDeadline: 10 * SECOND,
        callDeadline: SECOND,
        readDeadline: 5 * SECOND,
        blockedRetry: 50,
        retryPause: 50,
        flight: 10,
        planStale: SECOND,
      },
      newToken: randomUUID,
      jitter: async (most) => systemClock.sleep(Math.random() * most),
      ...place,
    });
    const worker = startQueueWorkers({
      connection,
      keys,
      evaluator: new Evaluator({ store, queues, journal, rules, chunk: 100 }),
      processor,
      store: states,
      journal,
      clock: systemClock,
      minPause: 20,
      retryPause: 50,
      ...over,
      concurrency: { evaluations: 4, reboots: 10 },
      ...locks,
      onError: (error) => void this.#errors.push(error),
    });
    this.#workers.push(worker);
    return worker;
  }

  /** Plans the repairs from now on, as one worker at a time does. */
  startPlanner(interval: Millis = 100): void {
    const { states: store, journal } = this;
    const rules = { policy: this.#policy, checkers: createCheckers(this.#policy) };
    const memory = new RedisSequenceMemory(this.client, this.keys);
    const { ledger } = rebootParts({
      store,
      ledger: this.ledger,
      memory,
      reader: this.reader,
      rules,
      clock: systemClock,
    });
    const queue = new BullRebootQueue(this.client, this.keys, (error) => void this.#errors.push(error));
    this.#queues.push(queue);
    const planner = new Planner({
      store,
      plans: new RedisPlanStore(this.client, this.keys),
      queue,
      ledger,
      selects: () => true,
      rules,
      journal,
      clock: systemClock,
      interval,
      readDeadline: SECOND,
    });
    this.#planners.push(planner.run(this.#ended.signal));
  }

  #spyingCheckers(): HealthChecker[] {
    const spy = (checker: HealthChecker): HealthChecker => ({
      ...checker,
      check: (node, history) => {
        if (checker.name === "NodeReady") {
          this.judged.push({ name: node.name, resourceVersion: node.resourceVersion });
        }
        return checker.check(node, history);
      },
    });
    return createCheckers(this.#policy).map(spy);
  }

  /** A watcher sees the cluster from now on. */
  watch(): void {
    const beat = (): void => {
      this.snapshots.beat(0).catch((error: Error) => this.#errors.push(error));
    };
    // The first one before whatever is published next: a node may be judged within milliseconds.
    beat();
    this.#beats = setInterval(beat, 20);
  }

  /** These nodes exist now like this, and the watchers publish them. */
  async see(...nodes: readonly NodeBuilder[]): Promise<readonly NodeSnapshot[]> {
    const snapshots = nodes.map((node) => {
      this.#resourceVersion += 1;
      return node.resourceVersion(this.#resourceVersion).snapshot();
    });
    this.reader.set(...snapshots);
    this.source.place(...snapshots);
    const publications = snapshots.map((snapshot) => ({
      snapshot,
      fingerprint: digestOf(snapshot),
    }));
    const { shards } = await this.snapshots.publish(publications);
    await this.queues.wakeShards(shards);
    return snapshots;
  }

  async resync(): Promise<ResyncResult> {
    const { source, snapshots: store, queues, reader } = this;
    return resync({
      source,
      store,
      queues,
      reader,
      clock: systemClock,
      fingerprint: digestOf,
      selects: () => true,
      isNewer: (a, b) => (a.length === b.length ? a > b : a.length > b.length),
    });
  }

  async phase(name: string): Promise<string | undefined> {
    return (await this.states.get(name)).record?.phase;
  }

  /** Pending reboots of every kind: delayed, waiting or active. */
  async pending(): Promise<Job<RebootJob>[]> {
    return this.reboots.getJobs(["delayed", "waiting", "active", "prioritized"]);
  }

  /** How many nodes wait for judgement. */
  async dirty(): Promise<number> {
    const counts = await Promise.all(
      Array.from({ length: SHARDS }, async (_, shard) => this.client.scard(this.keys.dirty(shard))),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** How many nodes stand in each phase, as "Phase count". */
  async phases(): Promise<string[]> {
    const counts = (await this.states.countRecords()).filter(({ gauge }) => gauge === "nodes");
    return counts.map(({ labels, count }) => `${labels["phase"]} ${count}`);
  }

  /** Deduplication keys and stored successors of reboot jobs: none may be left when no job is. */
  async deduplicationKeys(): Promise<string[]> {
    const keys = await this.client.keys(`${this.keys.prefix}:${QUEUES.reboots}:d[en]:*`);
    return keys.toSorted();
  }

  /** Deletes every key of the queues, as a flush of their database would. */
  async loseQueues(): Promise<void> {
    for (const queue of [QUEUES.reboots, QUEUES.nodeSnapshots]) {
      const keys = await this.client.keys(`${this.keys.prefix}:${queue}:*`);
      if (keys.length > 0) await this.client.del(...keys);
    }
  }

  recordsKeyOf(name: string): string {
    return this.keys.records(shardOf(name));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#beats);
    this.#ended.abort();
    await Promise.all(this.#planners);
    await Promise.all(this.#workers.map(async (worker) => worker.close()));
    await Promise.all(this.#queues.map(async (queue) => queue.close()));
    await Promise.all([this.queues.close(), this.reboots.close(), this.wakeUps.close()]);
  }
}
