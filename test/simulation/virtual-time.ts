import type { Clock } from "@node-agent/shared/ports/clock.ts";
import type { EpochMillis, Millis } from "@node-agent/shared/core/time.ts";
import type { Random } from "./random.ts";

interface Event {
  readonly at: Millis;
  /** Among events of one instant the order is chance: every interleaving is possible. */
  readonly tie: number;
  readonly run: () => void;
}

/**
 * Virtual time: nothing waits, time jumps from event to event. Between two events every promise that can settle has
 * settled, so that the order of events is the only order there is.
 */
export class VirtualTime {
  #now: Millis = 0;
  readonly #events: Event[] = [];
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

  at(delay: Millis, run: () => void): void {
    this.#push({ at: this.#now + Math.max(0, delay), tie: this.#random.next(), run });
  }

  async sleep(delay: Millis): Promise<void> {
    return new Promise((resolve) => {
      this.at(delay, resolve);
    });
  }

  /** Runs every event up to an instant. */
  async runUntil(elapsed: Millis): Promise<void> {
    await settled();
    for (;;) {
      const next = this.#events[0];
      if (next === undefined || next.at > elapsed) break;
      this.#pop();
      this.#now = Math.max(this.#now, next.at);
      this.steps += 1;
      next.run();
      await settled();
    }
    this.#now = Math.max(this.#now, elapsed);
  }

  #push(event: Event): void {
    const events = this.#events;
    events.push(event);
    let i = events.length - 1;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!before(events[i], events[parent])) break;
      swap(events, i, parent);
      i = parent;
    }
  }

  #pop(): void {
    const events = this.#events;
    const last = events.pop();
    if (last === undefined || events.length === 0) return;
    events[0] = last;
    let i = 0;
    for (;;) {
      const left = 2 * i + 1;
      const right = left + 1;
      let least = i;
      if (left < events.length && before(events[left], events[least])) least = left;
      if (right < events.length && before(events[right], events[least])) least = right;
      if (least === i) return;
      swap(events, i, least);
      i = least;
    }
  }
}

function before(one: Event | undefined, other: Event | undefined): boolean {
  if (one === undefined || other === undefined) return false;
  return one.at === other.at ? one.tie < other.tie : one.at < other.at;
}

function swap(events: Event[], i: number, j: number): void {
  const [a, b] = [events[i], events[j]];
  if (a !== undefined && b !== undefined) [events[i], events[j]] = [b, a];
}

/** Every promise that can settle now has settled. */
async function settled(): Promise<void> {
  await new Promise<void>((resolve) => {
    setImmediate(resolve);
  });
}

/** A process of the simulated fleet: it can be frozen, and it can die; then nothing that it awaited ever comes. */
export class Incarnation {
  alive = true;
  readonly name: string;
  readonly skew: Millis;
  readonly #time: VirtualTime;
  #frozenUntil: Millis = 0;

  constructor(name: string, skew: Millis, time: VirtualTime) {
    this.name = name;
    this.skew = skew;
    this.#time = time;
  }

  crash(): void {
    this.alive = false;
  }

  freeze(span: Millis): void {
    this.#frozenUntil = Math.max(this.#frozenUntil, this.#time.elapsed + span);
  }

  /** Waits like a call through a network; longer while frozen, for ever when dead. */
  async hop(delay: Millis): Promise<void> {
    await new Promise<void>((resolve) => {
      const arrive = (): void => {
        if (!this.alive) return;
        const left = this.#frozenUntil - this.#time.elapsed;
        if (left > 0) this.#time.at(left, arrive);
        else resolve();
      };
      this.#time.at(delay, arrive);
    });
  }

  /** The clocks of this process: its wall clock is off by its skew, its monotonic one runs true. */
  get clock(): Clock {
    return {
      now: () => Math.round(this.#time.now + this.skew),
      monotonic: () => this.#time.elapsed,
      sleep: async (span, signal) => {
        if (signal?.aborted === true) return;
        const woken = Promise.withResolvers<void>();
        signal?.addEventListener("abort", () => woken.resolve(), { once: true });
        await Promise.race([this.hop(span), woken.promise]);
      },
    };
  }
}
