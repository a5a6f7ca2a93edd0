import { SECOND, type EpochMillis, type Millis } from "@node-agent/shared/core/time.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** What is taken for slowness, not for blindness; a beat comes as often. */
const SLOWNESS: Millis = 2 * SECOND;

/** A time in which nobody could see the cluster, and what Redis' clock was off before it and at least since. */
interface Span {
  readonly from: EpochMillis;
  to: EpochMillis | undefined;
  readonly skewBefore: Millis;
  leastSkew: Millis;
}

/**
 * When nobody could see the cluster. A gap is as long as Redis' clock says, which is the only one that all watchers
 * share: when it is set back while they see nothing, within what clocks may be off, the gap is that much shorter.
 */
export class Darkness {
  readonly #time: VirtualTime;
  readonly #viewMaxAge: Millis;
  readonly #spans: Span[] = [];
  #redisSkew: Millis = 0;

  constructor(time: VirtualTime, viewMaxAge: Millis) {
    this.#time = time;
    this.#viewMaxAge = viewMaxAge;
  }

  /** Nobody can see the cluster any more, or everybody can again. */
  set dark(dark: boolean) {
    const latest = this.#spans.at(-1);
    const isDark = latest !== undefined && latest.to === undefined;
    if (dark && !isDark) {
      const skew = this.#redisSkew;
      this.#spans.push({ from: this.#time.now, to: undefined, skewBefore: skew, leastSkew: skew });
    } else if (!dark && isDark) latest.to = this.#time.now;
  }

  /** Redis' clock is off the truth by this from now on. */
  redisIsOffBy(skew: Millis): void {
    this.#redisSkew = skew;
    const latest = this.#spans.at(-1);
    // The first beat afterwards measures the gap.
    if (latest === undefined || this.#time.now - (latest.to ?? this.#time.now) > SLOWNESS) return;
    latest.leastSkew = Math.min(latest.leastSkew, skew);
  }

  /** For how long of the time since then somebody could see the cluster. */
  seenSince(since: EpochMillis): Millis {
    const { now } = this.#time;
    const unseen = this.#spans
      .filter((span) => this.#isBlindness(span))
      .reduce((sum, { from, to = now }) => sum + Math.max(0, to - Math.max(from, since)), 0);
    return now - since - unseen;
  }

  /** For how long the cluster has been seen since the latest blindness that is over; undefined: there was none. */
  inSight(): Millis | undefined {
    const latest = this.#spans.findLast((span) => span.to !== undefined && this.#isBlindness(span));
    return latest?.to === undefined ? undefined : this.#time.now - latest.to;
  }

  #isBlindness({ from, to = this.#time.now, skewBefore, leastSkew }: Span): boolean {
    return to - from - (skewBefore - leastSkew) > this.#viewMaxAge + SLOWNESS;
  }
}
