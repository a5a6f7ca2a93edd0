import type { EpochMillis, Millis } from "@node-agent/shared/core/time.ts";
import type { JobQueues } from "@node-agent/shared/ports/job-queues.ts";
import type { VirtualTime } from "./virtual-time.ts";

type JobState = "delayed" | "waiting" | "active";

/** A pending reboot in the simulated queue, with what BullMQ keeps of it. */
export interface SimJob {
  readonly node: string;
  state: JobState;
  /** When a delayed job is due, by the clock of whoever delayed it. */
  dueAt: EpochMillis;
  /** A wake-up that came while it was active. */
  again: boolean;
  /** Until when its holder keeps it; then another worker gets it as well. */
  lockedUntil: Millis;
  holder: string | undefined;
  progress: unknown;
}

/** The queues of BullMQ as far as they matter here: one job per node, a lock that runs out, wake-ups kept while active. */
export class SimQueues implements JobQueues {
  readonly woken = new Set<number>();
  readonly jobs = new Map<string, SimJob>();
  readonly #time: VirtualTime;

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  async wakeShards(shards: readonly number[]): Promise<void> {
    for (const shard of shards) this.woken.add(shard);
  }

  async ensureReboot(node: string, delay: Millis): Promise<void> {
    this.#add(node, delay, false);
  }

  async moveReboot(node: string, delay: Millis): Promise<void> {
    this.#add(node, delay, true);
  }

  #add(node: string, delay: Millis, reschedule: boolean): void {
    const job = this.jobs.get(node);
    const dueAt = this.#time.now + Math.max(0, delay);
    if (job === undefined) {
      this.jobs.set(node, fresh(node, dueAt));
    } else if (job.state === "active") job.again = true;
    else if (job.state === "delayed" && reschedule) job.dueAt = dueAt;
  }

  /** Takes a job that may run now: due, waiting, or held by somebody who fell silent. */
  take(worker: string, lock: Millis): SimJob | undefined {
    for (const job of this.jobs.values()) {
      const due = job.state === "waiting" || (job.state === "delayed" && job.dueAt <= this.#time.now);
      const stalled = job.state === "active" && job.lockedUntil <= this.#time.elapsed;
      if (!due && !stalled) continue;
      job.state = "active";
      job.holder = worker;
      job.lockedUntil = this.#time.elapsed + lock;
      return job;
    }
    return undefined;
  }

  /** Puts an active job to sleep; only its holder may. */
  delay(job: SimJob, worker: string, dueAt: EpochMillis): boolean {
    if (this.jobs.get(job.node) !== job || job.holder !== worker || job.state !== "active") return false;
    job.state = "delayed";
    job.dueAt = dueAt;
    job.holder = undefined;
    return true;
  }

  /** Ends an active job; a wake-up that came meanwhile makes a new one. */
  finish(job: SimJob, worker: string): void {
    if (this.jobs.get(job.node) !== job || job.holder !== worker) return;
    this.jobs.delete(job.node);
    if (job.again) this.jobs.set(job.node, fresh(job.node, this.#time.now));
  }
}

function fresh(node: string, dueAt: EpochMillis): SimJob {
  return { node, state: "delayed", dueAt, again: false, lockedUntil: 0, holder: undefined, progress: 0 };
}
