import { DRIFT_KINDS, type Drift, type DriftCache } from "../contract/drift.ts";
import { LOG_EVENTS } from "../contract/log-events.ts";
import type { Logger } from "./logger.ts";
import type { Metrics } from "./metrics/metrics.ts";

/** Counts drift in one of our caches, by kind, and logs it once; it is repaired already, or about to be. */
export function observeDrift(
  cache: DriftCache,
  { counts, nodes }: Drift,
  metrics: Metrics,
  logger: Logger,
): void {
  for (const kind of DRIFT_KINDS) if (counts[kind] > 0) metrics.observeDrift(cache, kind, counts[kind]);
  logger.warn(
    { event: LOG_EVENTS.cacheDrift, cache, ...counts, nodes },
    "a cache differed from its source; repaired",
  );
}
