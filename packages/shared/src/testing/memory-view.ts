import type { EpochMillis, Millis } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { ClusterView } from "../ports/snapshot-store.ts";

/** The observation clock in memory; the same rules as `beat-1.lua`. */
export class MemoryView {
  readonly #clock: Clock;
  readonly #maxGap: Millis;
  #observed: Millis = 0;
  #until: number | undefined;
  #since = 0;

  constructor(clock: Clock, maxGap: Millis) {
    this.#clock = clock;
    this.#maxGap = maxGap;
  }

  beat(age: Millis, asOf?: EpochMillis): ClusterView {
    const now = this.#clock.now();
    const last = this.#until !== undefined && this.#until <= now ? this.#until : undefined;
    const measuredAt = Math.min(now, Math.floor(asOf ?? now));
    const upTo = Math.max(measuredAt - Math.max(0, Math.round(age)), last ?? 0);
    if (upTo <= 0) return this.read();
    const steady = last !== undefined && upTo - last <= this.#maxGap;
    if (steady) this.#observed += upTo - last;
    if (!steady || this.#since > upTo) this.#since = upTo;
    this.#until = upTo;
    return this.read();
  }

  read(): ClusterView {
    const now = this.#clock.now();
    const seen = this.#until !== undefined && this.#until <= now;
    const age = seen ? now - (this.#until ?? now) : undefined;
    return { now, observed: this.#observed, age, steady: seen ? Math.max(0, now - this.#since) : 0 };
  }
}
