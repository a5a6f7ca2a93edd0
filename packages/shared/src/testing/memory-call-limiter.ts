import type { EpochMillis, Millis } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { CallLimiter } from "../ports/job-queues.ts";

/** The shared call limit in memory: `max` in any window of `per`. */
export class MemoryCallLimiter implements CallLimiter {
  readonly #clock: Clock;
  readonly #limit: { readonly max: number; readonly per: Millis };
  readonly #taken = new Map<string, EpochMillis>();

  constructor(clock: Clock, limit: { readonly max: number; readonly per: Millis }) {
    this.#clock = clock;
    this.#limit = limit;
  }

  async take(token: string): Promise<EpochMillis | undefined> {
    const now = this.#clock.now();
    const { max, per } = this.#limit;
    for (const [holder, at] of this.#taken) if (at <= now - per) this.#taken.delete(holder);
    if (this.#taken.has(token)) return undefined;
    if (this.#taken.size < max) {
      this.#taken.set(token, now);
      return undefined;
    }
    return Math.min(...this.#taken.values()) + per;
  }
}
