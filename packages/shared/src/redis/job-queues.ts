import { Queue, type Job, type JobsOptions } from "bullmq";
import type { Keys } from "../contract/keys.ts";
import {
  EVALUATE_JOB,
  QUEUES,
  evaluateDeduplicationId,
  rebootDeduplicationId,
  rebootProgressSchema,
  type EvaluateJob,
  type RebootJob,
} from "../contract/queues.ts";
import { GATES, type GateName } from "../core/gates/gate.ts";
import type { EpochMillis, Millis } from "../core/time.ts";
import { DAY, HOUR, SECOND } from "../core/time.ts";
import type { JobQueues } from "../ports/job-queues.ts";
import { discardImpostor, discardQueue, isQueueDamage, soundJobs } from "./queue-repair.ts";
import { ofRedis } from "./redis-error.ts";
import type { RedisClient } from "./script.ts";

/** A job as it is added: of those with the same deduplication id there is one. */
interface AddedJob {
  readonly name: string;
  readonly data: object;
  readonly deduplicationId: string;
  readonly reschedule?: boolean;
  readonly options: JobsOptions;
}

/** Pending reboots that are looked at for the gauges. */
const MOST_LOOKED_AT = 1000;
/** Pending reboots in one check: keeps the longest block of Redis short. */
const CHECKED_AT_ONCE = 250;
/** Finished reboot jobs are kept for a while as an audit trail in dashboards. */
const KEEP_DONE = { age: HOUR / SECOND, count: 1000 };
const KEEP_FAILED = { age: DAY / SECOND, count: 1000 };
/** The latest lines of a pending reboot's log: it may wait for days. */
const KEEP_LOGS = 20;

/**
 * The queues on BullMQ. Deduplication makes every add repeatable: `keepLastIfActive` keeps a wake-up that arrives while
 * its job runs, and `reschedule` moves a delayed job instead of replacing it (facts on queues, sections 1 and 10).
 */
export class BullJobQueues implements JobQueues {
  readonly #evaluate: Queue<object>;
  readonly #reboots: Queue<object>;
  readonly #client: RedisClient;
  readonly #prefix: string;
  readonly #onError: (error: Error) => void;
  readonly #now: () => EpochMillis;

  /** `now`: Redis' clock, which all workers share; BullMQ would take that of this machine. */
  constructor(
    connection: RedisClient,
    keys: Keys,
    onError: (error: Error) => void,
    now: () => EpochMillis = Date.now,
  ) {
    const options = { connection, prefix: keys.prefix, streams: { events: { maxLen: 1000 } } };
    this.#evaluate = new Queue(QUEUES.nodeSnapshots, options);
    this.#reboots = new Queue(QUEUES.reboots, options);
    this.#client = connection;
    this.#prefix = keys.prefix;
    this.#onError = onError;
    this.#now = now;
    this.#evaluate.on("error", onError);
    this.#reboots.on("error", onError);
  }

  async wakeShards(shards: readonly number[]): Promise<void> {
    await Promise.all(
      shards.map(async (shard) =>
        this.#add(this.#evaluate, {
          name: EVALUATE_JOB,
          data: { schema: 1, shard } satisfies EvaluateJob,
          deduplicationId: evaluateDeduplicationId(shard),
          options: { removeOnComplete: true, removeOnFail: KEEP_FAILED },
        }),
      ),
    );
  }

  async ensureReboot(node: string, delay: Millis): Promise<void> {
    await this.#addReboot(node, delay, false);
  }

  /** One check tells for a chunk of nodes which pending reboots stand as they should; only the others are seen to. */
  async ensureReboots(nodes: readonly string[]): Promise<void> {
    const place = { client: this.#client, prefix: this.#prefix, queue: QUEUES.reboots };
    for (let i = 0; i < nodes.length; i += CHECKED_AT_ONCE) {
      const chunk = nodes.slice(i, i + CHECKED_AT_ONCE);
      const expected = chunk.map((node) => ({
        deduplicationId: rebootDeduplicationId(node),
        name: node,
        data: { schema: 1, node } satisfies RebootJob,
      }));
      const sound = await soundJobs(place, expected, latestDue(this.#now()));
      await Promise.all(chunk.filter((_, at) => !sound[at]).map(async (node) => this.ensureReboot(node, 0)));
    }
  }

  async moveReboot(node: string, delay: Millis): Promise<void> {
    await this.#addReboot(node, delay, true);
  }

  async #addReboot(node: string, delay: Millis, reschedule: boolean): Promise<void> {
    await this.#add(this.#reboots, {
      name: node,
      data: { schema: 1, node } satisfies RebootJob,
      deduplicationId: rebootDeduplicationId(node),
      reschedule,
      options: {
        delay: countable(delay),
        timestamp: Math.round(this.#now()),
        removeOnComplete: KEEP_DONE,
        removeOnFail: KEEP_FAILED,
        keepLogs: KEEP_LOGS,
      },
    });
  }

  /**
   * Adds a job, or leaves the one that has its deduplication id; whatever stood in its way is thrown away first. A queue
   * that holds what no process of ours wrote would else keep a node from being rebooted for good.
   */
  async #add(queue: Queue<object>, job: AddedJob): Promise<void> {
    return ofRedis(async () => this.#addOrRepair(queue, job));
  }

  async #addOrRepair(queue: Queue<object>, job: AddedJob): Promise<void> {
    const place = { client: this.#client, prefix: this.#prefix, queue: queue.name };
    const { name, data, deduplicationId: id, reschedule = false, options } = job;
    const add = async (): Promise<unknown> =>
      queue.add(name, data, {
        ...options,
        deduplication: { id, keepLastIfActive: true, ...(reschedule ? { reschedule: true } : {}) },
      });
    const expected = { deduplicationId: id, name, data, dueBefore: latestDue(this.#now()) };
    try {
      await add();
      if (await discardImpostor(place, queue, expected)) await add();
    } catch (error) {
      if (!(error instanceof Error) || !isQueueDamage(error)) throw error;
      this.#onError(error);
      await discardQueue(place, [id]);
      await add();
    }
  }

  /** Job counts by queue and state, for metrics. */
  async counts(): Promise<{ queue: string; state: string; count: number }[]> {
    const queues = [this.#evaluate, this.#reboots];
    const counts = await Promise.all(queues.map(async (queue) => queue.getJobCounts()));
    return queues.flatMap((queue, i) =>
      Object.entries(counts[i] ?? {}).map(([state, count]) => ({ queue: queue.name, state, count })),
    );
  }

  /**
   * What pending reboots say that holds them, and since when; of a huge backlog the first thousand. A node that is well
   * again has nothing to hold: its job only waits for the result of its reboot.
   */
  async held(): Promise<{ gate: GateName; since: EpochMillis }[]> {
    const jobs: (Job | undefined)[] = await this.#reboots.getDelayed(0, MOST_LOOKED_AT - 1);
    return jobs.flatMap((job) => {
      const said = rebootProgressSchema.safeParse(job?.progress);
      const gate = GATES.find((name) => said.success && name === said.data.waitsFor);
      const since = said.success ? said.data.since : undefined;
      if (gate === undefined || gate === "NothingFailing" || since === undefined) return [];
      return [{ gate, since: Date.parse(since) }];
    });
  }

  async close(): Promise<void> {
    await Promise.all([this.#evaluate.close(), this.#reboots.close()]);
  }
}

/** The clock of whoever delayed a job may be ahead; a day more than any delay of ours is not. */
function latestDue(now: EpochMillis): EpochMillis {
  return now + 2 * DAY;
}

/** A delay that Redis can count; whatever damaged bytes led to, the job looks within a day. */
function countable(delay: Millis): Millis {
  return Number.isNaN(delay) ? 0 : Math.min(Math.max(0, Math.ceil(delay)), DAY);
}
