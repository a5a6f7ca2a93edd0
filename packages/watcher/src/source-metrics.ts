import type { DistrustCause, SourceEvent } from "@node-agent/kubernetes";
import { LOG_EVENTS } from "@node-agent/shared/contract/log-events.ts";
import {
  DRIFT_KINDS,
  type Drift,
  type DriftCache,
  type ViewProbeResult,
} from "@node-agent/shared/contract/drift.ts";
import type { Logger } from "@node-agent/shared/runtime/logger.ts";
import type { Metrics } from "@node-agent/shared/runtime/metrics/metrics.ts";

/** What was found, and what is done about it. */
const DISTRUSTED: Readonly<Record<DistrustCause, string>> = {
  WentBack:
    "the API server is at an earlier version than the watch: etcd was restored; listing the nodes again",
  Deaf: "the watch has brought nothing for two idle time-outs and the API server has moved on; listing the nodes again",
  EmptyWatches: "watches end at once and empty; listing the nodes again",
};

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

function observeProbe(result: ViewProbeResult, metrics: Metrics, logger: Logger): void {
  metrics.observeViewProbe(result);
  if (result === "Failed") logger.debug("the view could not be compared with the API server");
  if (result === "Contradiction") {
    logger.warn(
      "two answers of the API server contradict each other: one server behind the load balancer is behind the others",
    );
  }
}

/** Counts what the source of nodes tells of itself, and logs what an operator should know. */
export function observeSourceEvent(event: SourceEvent, metrics: Metrics, logger: Logger): void {
  switch (event.type) {
    case "ListDone":
      metrics.observeNodeList("Success");
      logger.info({ nodes: event.nodes, pages: event.pages, took: Math.round(event.took) }, "nodes listed");
      return;
    case "ListFailed":
      metrics.observeNodeList("Failure");
      metrics.observeReconcileError("Kubernetes");
      logger.warn({ reason: event.reason }, "list of nodes failed; trying again");
      return;
    case "WatchOpened":
      logger.debug("watch opened");
      return;
    case "WatchEnded": {
      metrics.observeWatchEnded(event.reason);
      const facts = { reason: event.reason, lived: Math.round(event.lived) };
      if (event.reason === "Eof" || event.reason === "Relist")
        logger.debug(facts, "watch ended; opening it again");
      else logger.warn(facts, "watch broke; opening it again");
      return;
    }
    case "EventReceived":
      metrics.observeWatchEvent(event.kind);
      return;
    case "UnchangedEventDropped":
      metrics.observeHeartbeatIgnored();
      return;
    case "OldEventDropped":
      return;
    case "ViewProbed":
      observeProbe(event.result, metrics, logger);
      return;
    case "ViewDistrusted":
      logger.warn(
        { event: LOG_EVENTS.viewDistrusted, cause: event.cause, ours: event.ours, server: event.server },
        DISTRUSTED[event.cause],
      );
      return;
    case "DriftFound":
      observeDrift("View", event, metrics, logger);
      return;
    case "MalformedObject":
      metrics.observeReconcileError("Kubernetes");
      logger.error("a Node object could not be read and was left out");
      return;
    case "MassDisappearance":
      logger.error(
        { missing: event.missing, known: event.known },
        "a list lost most of the nodes; asking again before anything is forgotten",
      );
      return;
    case "HandlerFailed":
      metrics.observeReconcileError("Handler");
      logger.warn(
        { handler: event.handler, err: event.error },
        "could not publish; the next resync makes it good",
      );
      return;
    default:
      event satisfies never;
  }
}
