import type { Clock } from "@node-agent/shared/ports/clock.ts";
import type { Millis } from "@node-agent/shared/core/time.ts";
import type { Timer } from "./timer-heap.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** A process of the simulated fleet: it can be frozen, and it can die; then nothing that it awaited ever comes. */
export class Incarnation {
  alive = true;
  readonly name: string;
  /** How far its wall clock is off the truth now, and when nothing is wrong with it. */
  skew: Millis;
  usualSkew: Millis;
  readonly #time: VirtualTime;
  #frozenUntil: Millis = 0;

  constructor(name: string, skew: Millis, time: VirtualTime) {
    this.name = name;
    this.skew = skew;
    this.usualSkew = skew;
    this.#time = time;
  }

  crash(): void {
    this.alive = false;
  }

  get frozen(): boolean {
    return this.#frozenUntil > this.#time.elapsed;
  }

  freeze(span: Millis): void {
    this.#frozenUntil = Math.max(this.#frozenUntil, this.#time.elapsed + span);
  }

  /** Waits like a call through a network; longer while frozen, for ever when dead. */
  async hop(delay: Millis): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#arrive(delay, resolve);
    });
  }

  #arrive(delay: Millis, arrived: () => void): Timer {
    return this.#time.at(delay, () => {
      if (!this.alive) return;
      const left = this.#frozenUntil - this.#time.elapsed;
      if (left > 0) this.#arrive(left, arrived);
      else arrived();
    });
  }

  /** The clocks of this process: its wall clock is off by its skew, its monotonic one runs true. */
  get clock(): Clock {
    return {
      now: () => Math.round(this.#time.now + this.skew),
      monotonic: () => this.#time.elapsed,
      sleep: async (span, signal) => {
        if (signal?.aborted === true) return;
        await new Promise<void>((resolve) => {
          const timer = this.#arrive(span, resolve);
          signal?.addEventListener(
            "abort",
            () => {
              timer.cancelled = true;
              resolve();
            },
            { once: true },
          );
        });
      },
    };
  }
}
