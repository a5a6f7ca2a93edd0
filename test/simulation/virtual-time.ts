import { TimerHeap, type Timer } from "./timer-heap.ts";
import type { EpochMillis, Millis } from "@node-agent/shared/core/time.ts";
import type { Random } from "./random.ts";

/** Steps between two turns of the real event loop, which a test runner needs to stay alive. */
const BREATH = 5000;

/**
 * Virtual time: nothing waits, time jumps from event to event. Between two events every promise that can settle has
 * settled, so that the order of events is the only order there is.
 */
export class VirtualTime {
  #now: Millis = 0;
  readonly #timers = new TimerHeap();
  readonly #random: Random;
  readonly start: EpochMillis = Date.UTC(2026, 10, 1);
  /** Events that ran. */
  steps = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  get elapsed(): Millis {
    return this.#now;
  }

  /** True time, by which the oracle judges. */
  get now(): EpochMillis {
    return this.start + this.#now;
  }

  /** Runs something after a while; cancelled, it never runs and costs nothing. */
  at(delay: Millis, run: () => void): Timer {
    const timer: Timer = {
      at: this.#now + Math.max(0, delay),
      tie: this.#random.next(),
      run,
      cancelled: false,
    };
    this.#timers.push(timer);
    return timer;
  }

  /** Runs every event up to an instant. */
  async runUntil(elapsed: Millis): Promise<void> {
    await settled();
    for (;;) {
      const next = this.#timers.first;
      if (next === undefined || next.at > elapsed) break;
      this.#timers.pop();
      if (next.cancelled) continue;
      this.#now = Math.max(this.#now, next.at);
      this.steps += 1;
      next.run();
      await (this.steps % BREATH === 0 ? breath() : settled());
    }
    this.#now = Math.max(this.#now, elapsed);
  }
}

/** Every promise that can settle now has settled: Node runs a next tick only when no microtask is left. */
async function settled(): Promise<void> {
  await new Promise<void>((resolve) => {
    process.nextTick(resolve);
  });
}

async function breath(): Promise<void> {
  await new Promise<void>((resolve) => {
    setImmediate(resolve);
  });
}
