import type { Millis } from "@node-agent/shared/core/time.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";

import type { ReflectorTimings } from "./timings.ts";

/** Growing pauses after failures in a row. */
export interface Backoff {
  /** The pause after one more failure. */
  next(): Millis;
  /** The server works: the next failure is the first. */
  reset(): void;
}

/** How the pauses grow. */
export interface BackoffOptions {
  readonly base: Millis;
  readonly cap: Millis;
  /** A failure that comes this long after the pause of the one before starts anew. */
  readonly reset: Millis;
  readonly clock: Pick<Clock, "monotonic">;
  /** In [0, 1), as Math.random. */
  readonly random: () => number;
}

/** The backoff of a reflector's timings. */
export function backoffOf({
  timings,
  clock,
  random,
}: Pick<BackoffOptions, "clock" | "random"> & { readonly timings: ReflectorTimings }): Backoff {
  const { backoffBase: base, backoffCap: cap, backoffReset: reset } = timings;
  return createBackoff({ base, cap, reset, clock, random });
}

/** Doubling with full jitter: a pause is anything from zero to the step, so that agents do not march in step. */
export function createBackoff({ base, cap, reset, clock, random }: BackoffOptions): Backoff {
  let failures = 0;
  let healthyFrom = Number.NEGATIVE_INFINITY;
  return {
    next: () => {
      if (clock.monotonic() - healthyFrom >= reset) failures = 0;
      const step = Math.min(cap, base * 2 ** Math.min(failures, 30));
      failures += 1;
      const pause = random() * step;
      healthyFrom = clock.monotonic() + pause;
      return pause;
    },
    reset: () => {
      failures = 0;
    },
  };
}
