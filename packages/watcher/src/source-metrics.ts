import type { SourceEvent } from "@node-agent/kubernetes";
import { dependencyOf } from "@node-agent/shared/ports/dependency.ts";
import type { Logger } from "@node-agent/shared/runtime/logger.ts";
import type { Metrics } from "@node-agent/shared/runtime/metrics/metrics.ts";
import { isAudit, observeAudit } from "./audit-report.ts";

/** Counts what the source of nodes tells of itself, and logs what an operator should know. */
export function observeSourceEvent(event: SourceEvent, metrics: Metrics, logger: Logger): void {
  if (isAudit(event)) {
    observeAudit(event, metrics, logger);
    return;
  }
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
      metrics.observeReconcileError(dependencyOf(event.error) ?? "Handler");
      logger.warn(
        { handler: event.handler, err: event.error },
        "could not publish; the next resync makes it good",
      );
      return;
    default:
      event satisfies never;
  }
}
