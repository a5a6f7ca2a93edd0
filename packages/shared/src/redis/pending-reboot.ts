import { Queue } from "bullmq";
import type { Keys } from "../contract/keys.ts";
import {
  QUEUES,
  rebootDeduplicationId,
  rebootProgressSchema,
  type RebootJob,
  type RebootProgress,
} from "../contract/queues.ts";
import type { PendingReboot } from "../core/explain-input.ts";
import type { EpochMillis } from "../core/time.ts";
import { SCORE_PER_MILLISECOND } from "./reboot-queue.ts";
import type { RedisClient } from "./script.ts";

/** Reads the pending reboot of a node, if there is one; changes nothing. Throws when Redis fails. */
export async function readPendingReboot(
  connection: RedisClient,
  keys: Keys,
  node: string,
): Promise<PendingReboot | undefined> {
  const queue = new Queue<RebootJob>(QUEUES.reboots, {
    connection,
    prefix: keys.prefix,
    skipMetasUpdate: true,
    skipVersionCheck: true,
  });
  // The connection reports its own errors; without a listener they would end the process.
  queue.on("error", () => {});
  try {
    const id = await queue.getDeduplicationJobId(rebootDeduplicationId(node));
    const job = id === null ? undefined : await queue.getJob(id);
    if (job === undefined) return undefined;
    const state = await job.getState();
    const progress = rebootProgressSchema.safeParse(job.progress);
    const at = state === "delayed" ? (await runTimes(connection, queue, [id ?? ""]))[0] : undefined;
    return {
      state,
      ...(at === undefined ? {} : { at }),
      ...(progress.success ? { said: saidBy(progress.data) } : {}),
    };
  } finally {
    await queue.close();
  }
}

/** The queues that somebody paused in Redis; a dashboard can, and so does an obliterate that was broken off. */
export async function readPausedQueues(connection: RedisClient, keys: Keys): Promise<readonly string[]> {
  const names = Object.values(QUEUES);
  const paused = await Promise.all(
    names.map(async (name) => connection.hexists(`${keys.prefix}:${name}:meta`, "paused")),
  );
  return names.filter((_, i) => paused[i] === 1);
}

/**
 * When delayed jobs run, in the order of their ids; undefined for one that is not delayed. The `delay` of a job that was
 * delayed again counts from an instant that is kept nowhere, so `timestamp + delay` is not that time.
 */
export async function runTimes(
  connection: RedisClient,
  queue: Pick<Queue, "toKey">,
  ids: readonly string[],
): Promise<readonly (EpochMillis | undefined)[]> {
  if (ids.length === 0) return [];
  const scores = await connection.zmscore(queue.toKey("delayed"), ...ids);
  return scores.map((score) =>
    score === null ? undefined : Math.floor(Number(score) / SCORE_PER_MILLISECOND),
  );
}

function saidBy({ waitsFor, why, until, since }: RebootProgress) {
  return {
    waitsFor,
    why,
    ...(until === undefined ? {} : { until: Date.parse(until) }),
    ...(since === undefined ? {} : { since: Date.parse(since) }),
  };
}
