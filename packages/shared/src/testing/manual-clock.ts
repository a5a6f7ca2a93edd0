import type { EpochMillis, Millis } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";

interface Sleeper {
  readonly at: Millis;
  readonly wake: () => void;
}

/** A clock that moves only when a test says so; sleepers wake in the order of their times. */
export class ManualClock implements Clock {
  #wall: EpochMillis;
  #monotonic: Millis = 0;
  readonly #sleepers = new Set<Sleeper>();

  constructor(start: EpochMillis = Date.UTC(2026, 10, 1)) {
    this.#wall = start;
  }

  now(): EpochMillis {
    return this.#wall;
  }

  monotonic(): Millis {
    return this.#monotonic;
  }

  async sleep(span: Millis, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted === true || span <= 0) return;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        this.#sleepers.delete(sleeper);
        signal?.removeEventListener("abort", wake);
        resolve();
      };
      const sleeper = { at: this.#monotonic + span, wake };
      this.#sleepers.add(sleeper);
      signal?.addEventListener("abort", wake, { once: true });
    });
  }

  /** Time passes: both clocks go on, and whoever slept until then wakes. */
  advance(span: Millis): void {
    this.#wall += span;
    this.#monotonic += span;
    const due = [...this.#sleepers].filter(({ at }) => at <= this.#monotonic);
    for (const { wake } of due.toSorted((a, b) => a.at - b.at)) wake();
  }

  /** Somebody sets the wall clock, in either direction; the monotonic one does not notice. */
  jump(span: Millis): void {
    this.#wall += span;
  }

  /** The machine was suspended: the wall clock goes on, the monotonic one stood still. */
  suspend(span: Millis): void {
    this.jump(span);
  }

  /** How many sleep now. */
  get sleeping(): number {
    return this.#sleepers.size;
  }
}
