/**
 * BullMQ trusts its keys: one of another type, or a job that cannot be parsed, stops a queue or a node's pending reboot
 * for good. Queues carry keys and stores carry state, so what cannot be used is thrown away, and the next resync makes the
 * jobs anew. A job that runs meanwhile loses its lock and may run twice, which does no harm.
 */
import type { Job, Queue } from "bullmq";
import { isOfAnotherType, RedisScript, type RedisClient } from "./script.ts";

const discardQueueScript = new RedisScript("discard-queue-1");
const soundJobsScript = new RedisScript("sound-jobs-1");
const discardJobScript = new RedisScript("discard-job-1");

/** A queue of BullMQ by its keys. */
export interface QueuePlace {
  readonly client: RedisClient;
  readonly prefix: string;
  readonly queue: string;
}

/** Whether an error of BullMQ says that its keys hold what no process of ours wrote, and not that Redis is away or full. */
export function isQueueDamage(error: unknown): boolean {
  if (error instanceof SyntaxError || isOfAnotherType(error)) return true;
  return error instanceof Error && /^ERR .*script/u.test(error.message);
}

/** Throws the whole queue away, and the deduplication keys of these ids. */
export async function discardQueue({ client, prefix, queue }: QueuePlace, ids: readonly string[] = []) {
  await discardQueueScript.run(client, [`${prefix}:${queue}`], ids);
}

/** Tells of each job whether it surely stands as it should, without changing anything: the many that do cost one call. */
export async function soundJobs(
  { client, prefix, queue }: QueuePlace,
  jobs: readonly Omit<ExpectedJob, "dueBefore">[],
  dueBefore: number,
): Promise<readonly boolean[]> {
  const args = jobs.flatMap(({ deduplicationId, name, data }) => [
    deduplicationId,
    name,
    JSON.stringify(data),
  ]);
  const answer = await soundJobsScript.run(client, [`${prefix}:${queue}`], [dueBefore, ...args]);
  return jobs.map((_, i) => Array.isArray(answer) && answer[i] === 1);
}

/** How a job must look so that its deduplication id may be left to it. */
export interface ExpectedJob {
  readonly deduplicationId: string;
  readonly name: string;
  readonly data: object;
  /** The latest instant at which a delayed one of its kind can be due. */
  readonly dueBefore: number;
}

/**
 * Throws away the job that holds a deduplication id, unless it is what it should be and will run: a hash that cannot be
 * parsed, of another job, in no list, or due in years keeps its node from being rebooted for good. True when it did.
 */
export async function discardImpostor(
  place: QueuePlace,
  queue: Queue<object>,
  expected: ExpectedJob,
): Promise<boolean> {
  const id = await queue.getDeduplicationJobId(expected.deduplicationId);
  if (id === null || (await isSound(place, queue, id, expected))) return false;
  const base = `${place.prefix}:${place.queue}`;
  return (await discardJobScript.run(place.client, [base], [id, expected.deduplicationId])) === 1;
}

async function isSound(
  { client }: QueuePlace,
  queue: Queue<object>,
  id: string,
  { name, data, dueBefore }: ExpectedJob,
): Promise<boolean> {
  try {
    const job: Job<object> | undefined = await queue.getJob(id);
    if (job === undefined || job.name !== name || JSON.stringify(job.data) !== JSON.stringify(data))
      return false;
    const state = await job.getState();
    if (state !== "delayed") return state === "waiting" || state === "active" || state === "prioritized";
    // BullMQ sorts by the time, shifted by 12 bits.
    return Number(await client.zscore(queue.toKey("delayed"), id)) / 0x1000 < dueBefore;
  } catch (error) {
    if (isQueueDamage(error)) return false;
    throw error;
  }
}

/** Hears the errors of a BullMQ worker and throws its queue away when they say that it is damaged, one time after the other. */
export function repairing(place: QueuePlace, onError: (error: Error) => void): (error: Error) => void {
  let isRunning = false;
  const repair = async (): Promise<void> => {
    isRunning = true;
    try {
      await discardQueue(place);
    } catch (error) {
      onError(error instanceof Error ? error : new Error(String(error)));
    } finally {
      isRunning = false;
    }
  };
  return (error) => {
    onError(error);
    if (!isRunning && isQueueDamage(error)) void repair();
  };
}
