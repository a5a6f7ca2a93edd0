import type { Millis } from "@node-agent/shared/core/time.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";

/** The right to send the next reboot call of this process, or how long there is none; disposing of it gives it back. */
export interface CallClaim extends Disposable {
  /** Zero: the call may be prepared. Otherwise how long to wait before claiming again. */
  readonly wait: Millis;
  /** The call goes out now. False: it must not, whatever was decided before. */
  send(): boolean;
}

/**
 * One process sends at most one reboot call per `spacing`, whatever any store says (guard G9): Redis and the ledger may
 * be lost, restored or forged, and the monotonic clock of a process is nobody else's to set. A claim is exclusive, so that
 * of two jobs of one process the second is held before its intent, which would cost it a window for nothing.
 */
export class CallSpacing {
  readonly #clock: Pick<Clock, "monotonic">;
  readonly #spacing: Millis;
  #holder: CallClaim | undefined;
  #sentAt: Millis | undefined;

  /** A spacing of zero sets no limit. */
  constructor(clock: Pick<Clock, "monotonic">, spacing: Millis) {
    this.#clock = clock;
    this.#spacing = spacing;
  }

  claim(): CallClaim {
    // Whoever holds the claim is about to send: the next turn comes no sooner than a spacing from now.
    const wait = this.#holder === undefined ? this.#remaining() : this.#spacing;
    const claim: CallClaim = {
      wait,
      send: () => this.#send(claim),
      [Symbol.dispose]: () => {
        if (this.#holder === claim) this.#holder = undefined;
      },
    };
    if (wait === 0 && this.#spacing > 0) this.#holder = claim;
    return claim;
  }

  #send(claim: CallClaim): boolean {
    if (this.#spacing === 0) return true;
    if (this.#holder !== claim || this.#remaining() > 0) return false;
    this.#sentAt = this.#clock.monotonic();
    return true;
  }

  #remaining(): Millis {
    if (this.#sentAt === undefined) return 0;
    return Math.max(0, this.#sentAt + this.#spacing - this.#clock.monotonic());
  }
}
