import { Queue, WaitingError, Worker } from "bullmq";
import type { Keys } from "@node-agent/shared/contract/keys.ts";
import { QUEUES, RESYNC_JOB } from "@node-agent/shared/contract/queues.ts";
import { HOUR, SECOND, type Millis } from "@node-agent/shared/core/time.ts";
import { steerConsumer } from "@node-agent/shared/redis/consumer.ts";
import { discardQueue, isQueueDamage, repairing } from "@node-agent/shared/redis/queue-repair.ts";
import type { RedisClient } from "@node-agent/shared/redis/script.ts";

/** How the fleet's resync is run. */
export interface ResyncQueueDeps {
  /** For adding: fails fast. */
  readonly producer: RedisClient;
  /** For taking ticks: waits for Redis as long as it takes. */
  readonly worker: RedisClient;
  readonly keys: Keys;
  readonly interval: Millis;
  readonly lockDuration: Millis;
  readonly stalledInterval: Millis;
  readonly onError: (error: Error) => void;
  readonly tick: () => Promise<string>;
}

/** The resync of this process: it can be made to take ticks or leave them to watchers that see more. */
export interface ResyncQueue {
  /** Makes sure that the one scheduler of the fleet exists: a flush or a dashboard may have removed it. */
  ensureScheduler(): Promise<void>;
  /** A blind watcher must not take a tick away from one that sees. Waits for nothing, not for a tick under way either. */
  takeTicks(take: boolean): void;
  close(): Promise<void>;
}

/**
 * One tick for the whole fleet, however many watchers there are: a BullMQ job scheduler makes a job per interval, and
 * whichever watcher takes it does the work (facts on queues, section 4: exactly one job per tick, no leader).
 */
export function createResyncQueue(deps: ResyncQueueDeps): ResyncQueue {
  const { keys, interval, lockDuration, stalledInterval, onError } = deps;
  const queue = new Queue(QUEUES.resync, {
    connection: deps.producer,
    prefix: keys.prefix,
    streams: { events: { maxLen: 1000 } },
  });
  const place = { client: deps.producer, prefix: keys.prefix, queue: QUEUES.resync };
  queue.on("error", onError);
  let takes = false;
  const worker = new Worker(
    QUEUES.resync,
    async (job, token) => {
      if (takes) return deps.tick();
      // It was waiting for a tick when it went blind: another watcher takes this one.
      await job.moveToWait(token);
      throw new WaitingError();
    },
    {
      connection: deps.worker,
      prefix: keys.prefix,
      autorun: false,
      concurrency: 1,
      lockDuration,
      stalledInterval,
      maxStalledCount: 1_000_000,
      removeOnComplete: { age: HOUR / SECOND, count: 20 },
      removeOnFail: { age: HOUR / SECOND, count: 20 },
    },
  );
  worker.on("error", repairing(place, onError));
  const upsert = async (): Promise<unknown> =>
    queue.upsertJobScheduler(RESYNC_JOB, { every: interval }, { name: RESYNC_JOB });
  let running: Promise<void> | undefined;
  return {
    ensureScheduler: async () => {
      try {
        await upsert();
        if (await willTick(queue, interval)) return;
      } catch (error) {
        if (!(error instanceof Error) || !isQueueDamage(error)) throw error;
        onError(error);
      }
      await discardQueue(place);
      await upsert();
    },
    takeTicks: (take) => {
      takes = take;
      if (running !== undefined) return steerConsumer(worker, take, onError);
      if (!take) return;
      running = worker
        .run()
        .catch((error: unknown) => onError(error instanceof Error ? error : new Error(String(error))));
    },
    close: async () => {
      await worker.close();
      await queue.close();
    },
  };
}

/** Ticks that may be missed, by clocks that are apart or watchers that are busy, before the scheduler is made anew. */
const MISSED_TICKS = 10;

/** Whether the scheduler says when the next tick is, within reason, and a job stands for it. */
async function willTick(queue: Queue, interval: Millis): Promise<boolean> {
  const { next = 0 } = (await queue.getJobScheduler(RESYNC_JOB)) ?? {};
  if (!(Math.abs(next - Date.now()) <= MISSED_TICKS * interval)) return false;
  const state = await queue.getJobState(`repeat:${RESYNC_JOB}:${next}`);
  return state !== "unknown";
}
