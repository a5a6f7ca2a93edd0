import { Worker } from "bullmq";
import type { Keys } from "@node-agent/shared/contract/keys.ts";
import {
  evaluateJobSchema,
  QUEUES,
  type EvaluateJob,
  type RebootJob,
} from "@node-agent/shared/contract/queues.ts";
import type { Millis } from "@node-agent/shared/core/time.ts";
import { steerConsumer } from "@node-agent/shared/redis/consumer.ts";
import { repairing } from "@node-agent/shared/redis/queue-repair.ts";
import type { RedisClient } from "@node-agent/shared/redis/script.ts";
import type { Evaluator } from "./evaluator.ts";
import { runRebootJob, type RebootJobDeps } from "./reboot-job.ts";

/** How the two queues are worked off. */
export interface QueueWorkersDeps extends RebootJobDeps {
  /** Waits for Redis as long as it takes (`maxRetriesPerRequest: null`). */
  readonly connection: RedisClient;
  readonly keys: Keys;
  readonly evaluator: Pick<Evaluator, "run">;
  readonly concurrency: { readonly evaluations: number; readonly reboots: number };
  readonly stalledInterval: Millis;
  readonly onError: (error: Error) => void;
}

/** The running consumers. */
export interface QueueWorkers {
  isRunning(): boolean;
  /** Stops to take jobs of these kinds, or goes on; those under way are finished. */
  hold(held: { readonly evaluations: boolean; readonly repairs: boolean }): void;
  /** Lets active jobs finish; `force` leaves them to another worker. */
  close(force?: boolean): Promise<void>;
}

/** A stalled job is one more look at the truth, not a fault of the job: it may happen any number of times. */
const ANY_NUMBER_OF_STALLS = 1_000_000;

/** Starts the consumers of `node-snapshots` and `reboots`. */
export function startQueueWorkers(deps: QueueWorkersDeps): QueueWorkers {
  const { connection, keys, lockDuration, stalledInterval, onError, concurrency } = deps;
  const stopping = new AbortController();
  const shared = {
    connection,
    prefix: keys.prefix,
    lockDuration,
    stalledInterval,
    maxStalledCount: ANY_NUMBER_OF_STALLS,
  };
  const evaluations = new Worker<EvaluateJob, number>(
    QUEUES.nodeSnapshots,
    async (job) => {
      const payload = evaluateJobSchema.safeParse(job.data);
      if (!payload.success) {
        deps.journal.fault("DamagedJob", `job of ${QUEUES.nodeSnapshots}: expected {schema: 1, shard}`);
        return 0;
      }
      return deps.evaluator.run(payload.data.shard, stopping.signal);
    },
    { ...shared, concurrency: concurrency.evaluations },
  );
  const reboots = new Worker<RebootJob, string>(
    QUEUES.reboots,
    async (job, token) => runRebootJob(job, token, new AbortController().signal, deps),
    { ...shared, concurrency: concurrency.reboots },
  );
  for (const worker of [evaluations, reboots]) {
    worker.on("error", repairing({ client: connection, prefix: keys.prefix, queue: worker.name }, onError));
  }
  return {
    isRunning: () => [evaluations, reboots].every((worker) => worker.isRunning() || worker.isPaused()),
    hold: (held) => {
      steerConsumer(evaluations, !held.evaluations, onError);
      steerConsumer(reboots, !held.repairs, onError);
    },
    close: async (force = false) => {
      stopping.abort();
      await Promise.all([evaluations.close(force), reboots.close(force)]);
    },
  };
}
