import type { LiveWorker } from "../core/hosting.ts";

/** Tells the workers of a cluster of each other. A hint: nothing is rebooted because of it, only left to another. */
export interface WorkerRegistry {
  /** A sign of life. A worker that gives none for long enough is forgotten. */
  beat(worker: LiveWorker): Promise<void>;
  /** The worker stops in good order: nobody need wait for its silence. */
  leave(id: string): Promise<void>;
  /** The workers that gave a sign of life lately. */
  live(): Promise<readonly LiveWorker[]>;
}
