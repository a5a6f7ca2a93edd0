import type { EpochMillis, Millis } from "@node-agent/shared/core/time.ts";
import type { JobQueues } from "@node-agent/shared/ports/job-queues.ts";
import type { RebootQueue } from "@node-agent/shared/ports/reboot-queue.ts";
import type { Incarnation } from "./incarnation.ts";
import type { Random } from "./random.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** A pending reboot in the simulated queue, with what BullMQ keeps of it. */
export interface SimJob {
  readonly node: string;
  state: "delayed" | "active";
  /** When a delayed job is due, by the clock of whoever delayed it. */
  dueAt: EpochMillis;
  /** A wake-up that came while it was active. */
  again: boolean;
  /** The token of the take that holds it. */
  holder: string | undefined;
  /** What it shows of itself in dashboards. */
  progress: unknown;
}

/** A place of a worker that works off one thing at a time. */
interface Slot<T> {
  readonly process: Incarnation;
  readonly run: (work: T) => Promise<void>;
  idle: boolean;
}

/** A job that was taken, and the token by which its taker holds it. */
export interface Taken {
  readonly job: SimJob;
  readonly token: string;
}

/**
 * The queues of BullMQ as far as they matter here: one job per node, a lock that runs out when its holder falls silent,
 * wake-ups kept while active, and delayed jobs that anybody's fast clock lets run too early. Work is handed to whichever
 * idle worker chance picks.
 */
export class SimQueues implements JobQueues {
  readonly jobs = new Map<string, SimJob>();
  readonly #woken = new Set<number>();
  readonly #evaluators: Slot<number>[] = [];
  readonly #rebooters: Slot<Taken>[] = [];
  readonly #time: VirtualTime;
  readonly #random: Random;
  readonly #lock: Millis;
  #takes = 0;

  constructor(time: VirtualTime, random: Random, lock: Millis) {
    this.#time = time;
    this.#random = random;
    this.#lock = lock;
  }

  /** A worker begins to consume; its slots leave the queue with it. */
  evaluateWith(process: Incarnation, run: (shard: number) => Promise<void>): void {
    this.#evaluators.push({ process, run, idle: true });
    this.#handOut();
  }

  rebootWith(process: Incarnation, run: (taken: Taken) => Promise<void>): void {
    this.#rebooters.push({ process, run, idle: true });
    this.#handOut();
  }

  async wakeShards(shards: readonly number[]): Promise<void> {
    for (const shard of shards) this.#woken.add(shard);
    this.#handOut();
  }

  async ensureReboot(node: string, delay: Millis): Promise<void> {
    this.#add(node, delay, false);
  }

  async moveReboot(node: string, delay: Millis): Promise<void> {
    this.#add(node, delay, true);
  }

  /** The pending reboots as a plan reads, wakes and tells them. */
  readonly reboots: RebootQueue = {
    list: async () =>
      [...this.jobs.values()].map(({ node, state, dueAt, progress }) => {
        const job = { id: node, node, progress };
        return state === "delayed"
          ? Object.assign(job, { state: "Delayed" as const, at: dueAt })
          : Object.assign(job, { state: "Active" as const });
      }),
    wake: async (reboots) => {
      for (const { node } of reboots) {
        const job = this.jobs.get(node);
        if (job?.state === "delayed") this.#sleep(job, this.#time.now);
      }
    },
    tell: async (words) => {
      for (const { reboot, progress } of words) {
        const job = this.jobs.get(reboot.node);
        if (job !== undefined) job.progress = progress;
      }
    },
  };

  #add(node: string, delay: Millis, reschedule: boolean): void {
    const job = this.jobs.get(node);
    const dueAt = this.#time.now + Math.max(0, delay);
    if (job === undefined) this.#put(node, dueAt);
    else if (job.state === "active") job.again = true;
    else if (reschedule) this.#sleep(job, dueAt);
  }

  #put(node: string, dueAt: EpochMillis): void {
    const job: SimJob = { node, state: "delayed", dueAt, again: false, holder: undefined, progress: 0 };
    this.jobs.set(node, job);
    this.#sleep(job, dueAt);
  }

  #sleep(job: SimJob, dueAt: EpochMillis): void {
    job.state = "delayed";
    job.dueAt = dueAt;
    job.holder = undefined;
    // Promoted by whoever asks first by his own clock: the fastest clock lets it run too early.
    const fast = Math.max(0, ...this.#rebooters.map(({ process }) => (process.alive ? process.skew : 0)));
    const due = dueAt - this.#time.now;
    if (fast > 0 && due > 0) this.#time.at(due - fast, () => this.#handOut());
    this.#time.at(due, () => this.#handOut());
  }

  /** Puts an active job to sleep; only its holder may. */
  delay({ job, token }: Taken, dueAt: EpochMillis): boolean {
    if (!this.#holds(job, token)) return false;
    this.#sleep(job, dueAt);
    return true;
  }

  /** Whether the job is still that of whoever took it. */
  holds({ job, token }: Taken): boolean {
    return this.#holds(job, token);
  }

  /** Ends an active job; a wake-up that came meanwhile makes a new one. */
  finish({ job, token }: Taken): void {
    if (!this.#holds(job, token)) return;
    this.jobs.delete(job.node);
    if (job.again) this.#put(job.node, this.#time.now);
  }

  #holds(job: SimJob, token: string): boolean {
    return this.jobs.get(job.node) === job && job.holder === token && job.state === "active";
  }

  /** What a person can do at a queue dashboard: run everything now. */
  promoteAll(): void {
    for (const job of this.jobs.values()) if (job.state === "delayed") this.#sleep(job, this.#time.now);
  }

  /** What a person or a flush can do: everything is gone, also from under those who hold it. */
  clear(): void {
    this.jobs.clear();
    this.#woken.clear();
  }

  #handOut(): void {
    while (this.#woken.size > 0) {
      const slot = this.#idle(this.#evaluators);
      if (slot === undefined) break;
      const shard = this.#random.pick([...this.#woken]);
      this.#woken.delete(shard);
      void this.#work(slot, shard);
    }
    for (const job of this.jobs.values()) {
      if (job.state !== "delayed") continue;
      const slot = this.#idle(
        this.#rebooters,
        ({ process }) => job.dueAt <= this.#time.now + Math.max(0, process.skew),
      );
      if (slot === undefined) continue;
      void this.#work(slot, this.#take(job, slot.process));
    }
  }

  #take(job: SimJob, process: Incarnation): Taken {
    this.#takes += 1;
    const token = `${process.name}/${this.#takes}`;
    job.state = "active";
    job.holder = token;
    this.#watchLock(job, token, process);
    return { job, token };
  }

  /** A holder that lives renews its lock, mostly; one that is dead or frozen loses the job to another worker. */
  #watchLock(job: SimJob, token: string, process: Incarnation): void {
    this.#time.at(this.#lock, () => {
      if (!this.#holds(job, token)) return;
      if (process.alive && !process.frozen && this.#random.chance(0.8)) this.#watchLock(job, token, process);
      else this.#sleep(job, this.#time.now);
    });
  }

  #idle<T>(slots: Slot<T>[], may: (slot: Slot<T>) => boolean = () => true): Slot<T> | undefined {
    const able = slots.filter((slot) => slot.idle && slot.process.alive && !slot.process.frozen && may(slot));
    return able.length === 0 ? undefined : this.#random.pick(able);
  }

  async #work<T>(slot: Slot<T>, work: T): Promise<void> {
    slot.idle = false;
    await slot.process.hop(this.#random.between(1, 40));
    await slot.run(work);
    slot.idle = true;
    this.#handOut();
  }

  /** Those who died consume no more; who thaws looks again. */
  prune(): void {
    for (const slots of [this.#evaluators, this.#rebooters]) {
      for (let i = slots.length - 1; i >= 0; i -= 1) if (slots[i]?.process.alive !== true) slots.splice(i, 1);
    }
    this.#handOut();
  }
}
