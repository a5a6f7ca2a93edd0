import type { EpochMillis, Millis } from "../time.ts";

/**
 * One instant as several clocks tell it (our own, Redis, the API server). Windows are stamped with the latest and
 * checked with the earliest, so that a clock that is wrong can only lengthen a wait (reboot protocol, 3.5).
 */
export interface Clocks {
  readonly earliest: EpochMillis;
  readonly latest: EpochMillis;
}

/** Reads the clocks that were asked. Throws RangeError when none was. */
export function clocksOf(readings: readonly EpochMillis[]): Clocks {
  if (readings.length === 0) throw new RangeError("Expected at least one clock");
  return { earliest: Math.min(...readings), latest: Math.max(...readings) };
}

/** How far the clocks are apart. */
export function spreadOf({ earliest, latest }: Clocks): Millis {
  return latest - earliest;
}
