import { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import type { Job, Queue } from "bullmq";
import { runTimes } from "@node-agent/shared/redis/pending-reboot.ts";
import type { RedisClient } from "@node-agent/shared/redis/script.ts";

type JobStatuses = Parameters<BullMQAdapter["getJobs"]>[0];

/**
 * A queue as the dashboard reads it. The page computes the next run of a delayed job as `timestamp + delay`, which is
 * false for a job that was delayed again: BullMQ counts that delay from the moment of the move. Here the delay of such a
 * job counts from its timestamp, so that the page shows the time at which it really runs.
 */
export class TrueTimesAdapter extends BullMQAdapter {
  readonly #queue: Queue;
  readonly #connection: RedisClient;

  constructor(
    queue: Queue,
    connection: RedisClient,
    options: ConstructorParameters<typeof BullMQAdapter>[1],
  ) {
    super(queue, options);
    this.#queue = queue;
    this.#connection = connection;
  }

  override async getJob(id: string): Promise<Job | undefined> {
    const job = await super.getJob(id);
    if (job !== undefined) await this.#correct([job]);
    return job;
  }

  override async getJobs(statuses: JobStatuses, start?: number, end?: number): Promise<Job[]> {
    const jobs = await super.getJobs(statuses, start, end);
    await this.#correct(jobs);
    return jobs;
  }

  async #correct(jobs: readonly Job[]): Promise<void> {
    const times = await runTimes(
      this.#connection,
      this.#queue,
      jobs.map(({ id }) => id ?? ""),
    );
    for (const [i, job] of jobs.entries()) {
      const at = times[i];
      if (at === undefined) continue;
      job.delay = Math.max(1, at - job.timestamp);
      job.opts = { ...job.opts, delay: job.delay };
    }
  }
}
