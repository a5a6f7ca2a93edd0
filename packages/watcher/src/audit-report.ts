import type { DistrustCause, SourceEvent } from "@node-agent/kubernetes";
import type { ViewProbeResult } from "@node-agent/shared/contract/drift.ts";
import { LOG_EVENTS } from "@node-agent/shared/contract/log-events.ts";
import type { Logger } from "@node-agent/shared/runtime/logger.ts";
import { observeDrift } from "@node-agent/shared/runtime/drift-report.ts";
import type { Metrics } from "@node-agent/shared/runtime/metrics/metrics.ts";

/** What was found, and what is done about it. */
const DISTRUSTED: Readonly<Record<DistrustCause, string>> = {
  WentBack:
    "the API server is at an earlier version than the watch: etcd was restored; listing the nodes again",
  Deaf: "the watch has brought nothing for two idle time-outs and the API server has moved on; listing the nodes again",
  EmptyWatches: "watches end at once and empty; listing the nodes again",
};

function observeProbe(result: ViewProbeResult, metrics: Metrics, logger: Logger): void {
  metrics.observeViewProbe(result);
  if (result === "Failed") logger.debug("the view could not be compared with the API server");
  if (result === "Contradiction") {
    logger.warn(
      "two answers of the API server contradict each other: one server behind the load balancer is behind the others",
    );
  }
}

/** The result of a comparison of the view with the API server. */
type AuditEvent = SourceEvent & { readonly type: "ViewProbed" | "ViewDistrusted" | "DriftFound" };

/** Tells the events of comparisons from those of lists and watches. */
export function isAudit(event: SourceEvent): event is AuditEvent {
  return event.type === "ViewProbed" || event.type === "ViewDistrusted" || event.type === "DriftFound";
}

/** Counts and logs the result of a comparison of the view with the API server. */
export function observeAudit(event: AuditEvent, metrics: Metrics, logger: Logger): void {
  switch (event.type) {
    case "ViewProbed":
      observeProbe(event.result, metrics, logger);
      return;
    case "ViewDistrusted": {
      const { cause, ours, server } = event;
      logger.warn({ event: LOG_EVENTS.viewDistrusted, cause, ours, server }, DISTRUSTED[cause]);
      return;
    }
    case "DriftFound":
      observeDrift("View", event, metrics, logger);
      return;
    default:
      event satisfies never;
  }
}
