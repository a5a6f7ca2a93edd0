import type { TimedStep } from "@node-agent/shared/contract/metric-labels.ts";
import type { Millis } from "@node-agent/shared/core/time.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import type { Lateness, LatenessWatch } from "./loop-lateness.ts";

/** What took how long in one transaction, and how long its process stood still meanwhile. */
export class Stopwatch implements Disposable {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #watch: LatenessWatch;
  readonly #took = new Map<TimedStep, Millis>();

  constructor(clock: Pick<Clock, "monotonic">, lateness: Lateness) {
    this.#clock = clock;
    this.#watch = lateness.watch();
  }

  /** Runs a part of the transaction and adds its time to that of its step, however it ends. */
  async time<T>(step: TimedStep, work: () => Promise<T>): Promise<T> {
    const startedAt = this.#clock.monotonic();
    try {
      return await work();
    } finally {
      this.#took.set(step, (this.#took.get(step) ?? 0) + this.#clock.monotonic() - startedAt);
    }
  }

  /** The steps that took some time, the slowest first. */
  steps(): (readonly [step: TimedStep, took: Millis])[] {
    return [...this.#took].filter(([, took]) => took > 0).toSorted(([, a], [, b]) => b - a);
  }

  /** How long the process stood still since the transaction began. */
  stoodStill(): Millis {
    return this.#watch.late();
  }

  [Symbol.dispose](): void {
    this.#watch[Symbol.dispose]();
  }
}
