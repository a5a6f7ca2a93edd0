import type { LiveWorker } from "../core/hosting.ts";
import type { EpochMillis } from "../core/time.ts";

/** The answer to a sign of life. */
export interface Registered {
  /** The store's clock. */
  readonly now: EpochMillis;
  /** Everyone who gave a sign of life lately, those that left among them. */
  readonly workers: readonly LiveWorker[];
}

/** The workers of a cluster know each other. A hint: nothing is rebooted because of it, only left to another. */
export interface WorkerRegistry {
  /** A sign of life. A worker that gives none for long enough is forgotten. */
  beat(worker: LiveWorker): Promise<Registered>;
  /** The worker stops in good order: no other worker waits for it. Its mode is remembered for as long as a silence. */
  leave(worker: LiveWorker): Promise<void>;
  /** The workers that gave a sign of life lately and did not leave. */
  live(): Promise<readonly LiveWorker[]>;
}
