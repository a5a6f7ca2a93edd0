import type { Millis } from "@node-agent/shared/core/time.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";

/** A rate limit that lets a burst pass and then one in each span. Full at first. */
export class TokenBucket {
  readonly #clock: Pick<Clock, "monotonic">;
  #spent = 0;
  #at: Millis | undefined;

  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  /** Takes one of `burst` tokens, which come back one per `refill`, and returns 0, or returns how long to wait for one. */
  take(burst: number, refill: Millis): Millis {
    const now = this.#clock.monotonic();
    this.#spent = Math.max(0, this.#spent - (now - (this.#at ?? now)) / refill);
    this.#at = now;
    const wait = Math.max(0, Math.ceil((this.#spent + 1 - burst) * refill));
    if (wait === 0) this.#spent += 1;
    return wait;
  }

  /** Gives back a token that was not used. */
  giveBack(): void {
    this.#spent = Math.max(0, this.#spent - 1);
  }
}
