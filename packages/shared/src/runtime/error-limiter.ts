import type { Millis } from "../core/time.ts";
import { SECOND } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "./logger.ts";

/** How often one kind of error is logged at most. */
const LOG_EVERY: Millis = 30 * SECOND;
/** Kinds that are told apart; the rest share one, so that messages with changing text cost no memory. */
const MOST_KINDS = 32;

/** Logs errors that may come by the thousand. */
export interface ErrorLimiter {
  /**
   * Logs the first error of its kind, then one per interval with the number of those left out in between. Says
   * whether it logged this one.
   */
  report(error: unknown): boolean;
}

function kindOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error;
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined;
  // A Redis reply begins with its kind: "READONLY You can't write against a read only replica."
  return code ?? /^[A-Z]{3,20}\b/u.exec(error.message)?.[0] ?? error.name;
}

/**
 * Makes a limiter for errors of one origin, which `message` names. A worker against a read-only Redis reports 3,100
 * errors per second (shared facts, queues 5); nobody reads them twice.
 */
export function createErrorLimiter({
  logger,
  clock,
  message,
  every = LOG_EVERY,
}: {
  logger: Logger;
  clock: Clock;
  message: string;
  every?: Millis;
}): ErrorLimiter {
  const kinds = new Map<string, { loggedAt: Millis; suppressed: number }>();
  return {
    report: (error) => {
      const kind = kindOf(error);
      const key = kinds.has(kind) || kinds.size < MOST_KINDS ? kind : "other";
      const now = clock.monotonic();
      const seen = kinds.get(key);
      if (seen !== undefined && now - seen.loggedAt < every) {
        seen.suppressed += 1;
        return false;
      }
      logger.error({ err: error, suppressed: seen?.suppressed ?? 0 }, message);
      kinds.set(key, { loggedAt: now, suppressed: 0 });
      return true;
    },
  };
}
