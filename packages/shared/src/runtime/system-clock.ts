import { setTimeout as delay } from "node:timers/promises";
import type { Clock } from "../ports/clock.ts";

/** The real clock of this process. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (span, signal) => {
    try {
      await delay(span, undefined, signal ? { signal } : {});
    } catch {
      // An abort ends the sleep early; that is all a caller needs to know.
    }
  },
};
