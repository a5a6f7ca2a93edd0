import type { TimedStep } from "@node-agent/shared/contract/metric-labels.ts";
import type { Millis } from "@node-agent/shared/core/time.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";

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

/** How long this process stood still since the watch began; disposing of it ends the watch. */
export interface LatenessWatch extends Disposable {
  late(): Millis;
}

/** Tells how late the event loop of this process is. */
export interface Lateness {
  watch(): LatenessWatch;
}

/** Shorter delays are those of a machine at work, and do not make a deadline missed. */
const TICK: Millis = 50;

/**
 * Measures by a timer how late this process wakes up: because it computed, because other processes had the machine, or
 * because it was stopped. It ticks only while a transaction is under way.
 */
export class LoopLateness implements Lateness {
  readonly #clock: Clock;
  #watches = 0;
  #total: Millis = 0;
  /** When the present tick is due; undefined: none runs. */
  #dueAt: Millis | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  watch(): LatenessWatch {
    this.#watches += 1;
    if (this.#dueAt === undefined) void this.#tick();
    const before = this.#late();
    let open = true;
    return {
      late: () => this.#late() - before,
      [Symbol.dispose]: () => {
        if (open) this.#watches -= 1;
        open = false;
      },
    };
  }

  async #tick(): Promise<void> {
    while (this.#watches > 0) {
      this.#dueAt = this.#clock.monotonic() + TICK;
      await this.#clock.sleep(TICK);
      this.#total = this.#late();
    }
    this.#dueAt = undefined;
  }

  /** An answer may be handled before a timer that is overdue as well: what the present tick is late by counts already. */
  #late(): Millis {
    const overdue = this.#dueAt === undefined ? 0 : this.#clock.monotonic() - this.#dueAt;
    return this.#total + Math.max(0, overdue);
  }
}
