import type { EpochMillis, Millis } from "../core/time.ts";

/**
 * One moment by both clocks. A span since then is as long as the clock says that counts more: a wall clock may be set
 * back, and a monotonic one does not count a suspended machine.
 */
export interface Moment {
  readonly wall: EpochMillis;
  readonly monotonic: Millis;
}

/** This moment. */
export function momentOf(clock: Clock): Moment {
  return { wall: clock.now(), monotonic: clock.monotonic() };
}

/** The earlier of two moments of one process. */
export function earlierOf(a: Moment, b: Moment): Moment {
  return a.monotonic <= b.monotonic ? a : b;
}

/** The later of two moments of one process. */
export function laterOf(a: Moment, b: Moment | undefined): Moment {
  return b === undefined || b.monotonic <= a.monotonic ? a : b;
}

/** The time since then, by the clock that counts more; never negative. */
export function ageOf({ wall, monotonic }: Moment, clock: Clock): Millis {
  return Math.max(0, clock.now() - wall, clock.monotonic() - monotonic);
}

/** The one way in which a shell learns the time; a test brings its own. */
export interface Clock {
  /** Wall clock; may jump in both directions. */
  now(): EpochMillis;
  /** Monotonic milliseconds from an arbitrary origin; does not count a suspended machine on Linux. */
  monotonic(): Millis;
  /** Resolves after `span`, or at once when the signal fires; never rejects. */
  sleep(span: Millis, signal?: AbortSignal): Promise<void>;
}
