import { allowed, type LimitPolicy } from "@node-agent/shared/core/storm/policy.ts";
import { HOUR, type Millis } from "@node-agent/shared/core/time.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import { TokenBucket } from "./token-bucket.ts";

/** The right to send one reboot call, or how long there is none; disposing of an unused one gives it back. */
export interface CallClaim extends Disposable {
  /** Zero: the call may be prepared. Otherwise how long to wait before claiming again. */
  readonly wait: Millis;
  /** The call goes out now. False: it must not, whatever was decided before. */
  send(): boolean;
}

/** The brake lets through so many times what the ledger does: it must never be the limit that binds. */
const MARGIN = 2;

/**
 * The last brake of one process (guard G9): it sends no more calls than the limits of the cluster allow, with a margin,
 * whatever Redis and the ledger say, which may be lost, restored or forged; the monotonic clock of a process cannot be set
 * from outside. A bucket of tokens: twice as many as repairs may be open in the cluster, filled again at twice the rate of
 * the cluster.
 */
export class CallBrake {
  readonly #bucket: TokenBucket;
  readonly #limits: Pick<LimitPolicy, "open" | "rate">;

  constructor(clock: Pick<Clock, "monotonic">, limits: Pick<LimitPolicy, "open" | "rate">) {
    this.#bucket = new TokenBucket(clock);
    this.#limits = limits;
  }

  /** Claims a call in a cluster of so many nodes. */
  claim(nodes: number): CallClaim {
    const capacity = MARGIN * allowed(this.#limits.open.cluster, nodes);
    const refill = HOUR / (MARGIN * allowed(this.#limits.rate, nodes));
    const wait = this.#bucket.take(capacity, refill);
    let held = wait === 0;
    return {
      wait,
      send: () => {
        const sends = held;
        held = false;
        return sends;
      },
      [Symbol.dispose]: () => {
        if (held) this.#bucket.giveBack();
        held = false;
      },
    };
  }
}
