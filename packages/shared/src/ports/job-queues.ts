import type { Millis } from "../core/time.ts";

/** Puts work on the queues. Jobs carry keys; every add may be repeated without harm. */
export interface JobQueues {
  /** Wakes a worker for each of these shards. */
  wakeShards(shards: readonly number[]): Promise<void>;
  /** There is a pending reboot for this node; one that exists keeps its time. */
  ensureReboot(node: string, delay: Millis): Promise<void>;
  /** There is a pending reboot for each of these nodes: one that exists keeps its time, one that is made runs at once. */
  ensureReboots(nodes: readonly string[]): Promise<void>;
  /** The pending reboot of this node runs after `delay`; one that does not exist is made. */
  moveReboot(node: string, delay: Millis): Promise<void>;
}
