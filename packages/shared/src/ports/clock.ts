import type { EpochMillis, Millis } from "../core/time.ts";

/** The one way in which a shell learns the time; a test brings its own. */
export interface Clock {
  /** Wall clock; may jump in both directions. */
  now(): EpochMillis;
  /** Monotonic milliseconds from an arbitrary origin; does not count a suspended machine on Linux. */
  monotonic(): Millis;
  /** Resolves after `span`, or at once when the signal fires; never rejects. */
  sleep(span: Millis, signal?: AbortSignal): Promise<void>;
}
