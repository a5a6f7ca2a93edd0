import type { LiveWorker } from "../core/hosting.ts";
import type { EpochMillis, Millis } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { Registered, WorkerRegistry } from "../ports/worker-registry.ts";

/** The workers of a cluster without Redis; faults on command. */
export class MemoryWorkerRegistry implements WorkerRegistry {
  /** Thrown by every call while it is set. */
  fault: Error | undefined;
  readonly #clock: Clock;
  readonly #silence: Millis;
  readonly #workers = new Map<string, { readonly worker: LiveWorker; readonly at: EpochMillis }>();

  constructor(clock: Clock, silence: Millis) {
    this.#clock = clock;
    this.#silence = silence;
  }

  async beat(worker: LiveWorker): Promise<Registered> {
    if (this.fault !== undefined) throw this.fault;
    this.#workers.set(worker.id, { worker, at: this.#clock.now() });
    return { now: this.#clock.now(), workers: this.#heard() };
  }

  async leave(worker: LiveWorker): Promise<void> {
    await this.beat({ ...worker, left: true });
  }

  async live(): Promise<readonly LiveWorker[]> {
    if (this.fault !== undefined) throw this.fault;
    return this.#heard().filter(({ left }) => left !== true);
  }

  #heard(): LiveWorker[] {
    const since = this.#clock.now() - this.#silence;
    return [...this.#workers.values()].filter(({ at }) => at >= since).map(({ worker }) => worker);
  }
}
