import type { Millis } from "@node-agent/shared/core/time.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";

/** A rate limit that lets a burst pass and then one in each span. */
export class TokenBucket {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #burst: number;
  readonly #refill: Millis;
  #tokens: number;
  #countedAt: Millis;

  /** Full at first: `burst` at once, then one per `refill`. */
  constructor({
    clock,
    burst,
    refill,
  }: {
    readonly clock: Pick<Clock, "monotonic">;
    readonly burst: number;
    readonly refill: Millis;
  }) {
    this.#clock = clock;
    this.#burst = burst;
    this.#refill = refill;
    this.#tokens = burst;
    this.#countedAt = clock.monotonic();
  }

  /** Takes a token and returns 0, or returns how long to wait before there is one. */
  take(): Millis {
    const now = this.#clock.monotonic();
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#countedAt) / this.#refill);
    this.#countedAt = now;
    if (this.#tokens < 1) return Math.ceil((1 - this.#tokens) * this.#refill);
    this.#tokens -= 1;
    return 0;
  }
}
