import { DAY, type EpochMillis, type Millis } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { JobQueues } from "../ports/job-queues.ts";

/** The queues in memory: which shards were woken, and when which pending reboot runs. */
export class MemoryJobQueues implements JobQueues {
  /** Shards woken and not yet taken. */
  readonly woken = new Set<number>();
  /** Pending reboots: node -> when it runs. */
  readonly reboots = new Map<string, EpochMillis>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  async wakeShards(shards: readonly number[]): Promise<void> {
    for (const shard of shards) this.woken.add(shard);
  }

  async ensureReboot(node: string, delay: Millis): Promise<void> {
    if (!this.reboots.has(node)) await this.moveReboot(node, delay);
  }

  async ensureReboots(nodes: readonly string[]): Promise<void> {
    for (const node of nodes) await this.ensureReboot(node, 0);
  }

  async moveReboot(node: string, delay: Millis): Promise<void> {
    // What no clock can count is looked at within a day.
    const span = Number.isNaN(delay) ? 0 : Math.min(Math.max(0, Math.ceil(delay)), DAY);
    this.reboots.set(node, this.#clock.now() + span);
  }

  /** Takes the shards that were woken. */
  takeWoken(): number[] {
    const shards = [...this.woken];
    this.woken.clear();
    return shards;
  }

  /** Takes the pending reboots whose time has come. */
  takeDue(): string[] {
    const now = this.#clock.now();
    const due = [...this.reboots].filter(([, at]) => at <= now).map(([node]) => node);
    for (const node of due) this.reboots.delete(node);
    return due;
  }
}
