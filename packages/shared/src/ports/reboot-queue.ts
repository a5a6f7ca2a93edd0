import type { EpochMillis } from "../core/time.ts";

/** One pending reboot on its queue. */
export interface QueuedReboot {
  readonly id: string;
  readonly node: string;
  readonly state: "Delayed" | "Waiting" | "Active";
  /** When it runs next, while it is delayed. */
  readonly at?: EpochMillis;
  /** What it shows of itself, as it stands there. */
  readonly progress: unknown;
}

/** The pending reboots of a cluster, all of them at once. */
export interface RebootQueue {
  list(): Promise<readonly QueuedReboot[]>;
  /** Runs these as soon as a worker is free, in this order; one that is not delayed any more is left alone. */
  wake(reboots: readonly QueuedReboot[]): Promise<void>;
  /** Shows in each of these what it waits for; one that no longer exists is left out. */
  tell(words: readonly { readonly reboot: QueuedReboot; readonly progress: object }[]): Promise<void>;
}
