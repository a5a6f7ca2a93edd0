import { Queue } from "bullmq";
import type { Keys } from "../contract/keys.ts";
import {
  EVALUATE_JOB,
  QUEUES,
  evaluateDeduplicationId,
  rebootDeduplicationId,
  type EvaluateJob,
  type RebootJob,
} from "../contract/queues.ts";
import type { Millis } from "../core/time.ts";
import { DAY, HOUR, SECOND } from "../core/time.ts";
import type { JobQueues } from "../ports/job-queues.ts";
import type { RedisClient } from "./script.ts";

/** Finished reboot jobs are kept for a while as an audit trail in dashboards. */
const KEEP_DONE = { age: HOUR / SECOND, count: 1000 };
const KEEP_FAILED = { age: DAY / SECOND, count: 1000 };

/**
 * The queues on BullMQ. Deduplication makes every add repeatable: `keepLastIfActive` keeps a wake-up that arrives while
 * its job runs, and `reschedule` moves a delayed job instead of replacing it (facts on queues, sections 1 and 10).
 */
export class BullJobQueues implements JobQueues {
  readonly #evaluate: Queue<EvaluateJob>;
  readonly #reboots: Queue<RebootJob>;

  constructor(connection: RedisClient, keys: Keys, onError: (error: Error) => void) {
    const options = { connection, prefix: keys.prefix, streams: { events: { maxLen: 1000 } } };
    this.#evaluate = new Queue(QUEUES.nodeSnapshots, options);
    this.#reboots = new Queue(QUEUES.reboots, options);
    this.#evaluate.on("error", onError);
    this.#reboots.on("error", onError);
  }

  async wakeShards(shards: readonly number[]): Promise<void> {
    await Promise.all(
      shards.map(async (shard) =>
        this.#evaluate.add(
          EVALUATE_JOB,
          { schema: 1, shard },
          {
            deduplication: { id: evaluateDeduplicationId(shard), keepLastIfActive: true },
            removeOnComplete: true,
            removeOnFail: KEEP_FAILED,
          },
        ),
      ),
    );
  }

  async ensureReboot(node: string, delay: Millis): Promise<void> {
    await this.#addReboot(node, delay, false);
  }

  async moveReboot(node: string, delay: Millis): Promise<void> {
    await this.#addReboot(node, delay, true);
  }

  async #addReboot(node: string, delay: Millis, reschedule: boolean): Promise<void> {
    await this.#reboots.add(
      node,
      { schema: 1, node },
      {
        delay: countable(delay),
        deduplication: {
          id: rebootDeduplicationId(node),
          keepLastIfActive: true,
          ...(reschedule ? { reschedule: true } : {}),
        },
        removeOnComplete: KEEP_DONE,
        removeOnFail: KEEP_FAILED,
      },
    );
  }

  /** Job counts by queue and state, for metrics. */
  async counts(): Promise<{ queue: string; state: string; count: number }[]> {
    const queues = [this.#evaluate, this.#reboots];
    const counts = await Promise.all(queues.map(async (queue) => queue.getJobCounts()));
    return queues.flatMap((queue, i) =>
      Object.entries(counts[i] ?? {}).map(([state, count]) => ({ queue: queue.name, state, count })),
    );
  }

  async close(): Promise<void> {
    await Promise.all([this.#evaluate.close(), this.#reboots.close()]);
  }
}

/** A delay that Redis can count; whatever damaged bytes led to, the job looks within a day. */
function countable(delay: Millis): Millis {
  return Number.isNaN(delay) ? 0 : Math.min(Math.max(0, Math.ceil(delay)), DAY);
}
