import type { MetricDefinition } from "./metric-definition.ts";
import { PUBLISH_RESULTS } from "./metric-labels.ts";

/** The metrics that only watchers report; `METRICS` holds them with all others. */
export const WATCHER_METRICS = {
  snapshotsPublished: {
    name: "civo_node_agent_snapshots_published_total",
    type: "counter",
    help: "Node snapshots sent to Redis; Known ones another watcher had brought already.",
    labels: ["result"],
    values: { result: PUBLISH_RESULTS },
    roles: ["watcher"],
  },
  watchEvents: {
    name: "civo_node_agent_watch_events_total",
    type: "counter",
    help: "Events received from the API server.",
    labels: ["kind"],
    values: { kind: ["ADDED", "MODIFIED", "DELETED", "BOOKMARK"] },
    roles: ["watcher"],
  },
  heartbeatsIgnored: {
    name: "civo_node_agent_heartbeats_ignored_total",
    type: "counter",
    help: "Events that changed nothing a checker looks at.",
    labels: [],
    roles: ["watcher"],
  },
  watchRestarts: {
    name: "civo_node_agent_watch_restarts_total",
    type: "counter",
    help: "Ends of a watch, by reason; it is opened again each time.",
    labels: ["reason"],
    roles: ["watcher"],
  },
  lists: {
    name: "civo_node_agent_node_lists_total",
    type: "counter",
    help: "Full lists of the nodes.",
    labels: ["result"],
    values: { result: ["Success", "Failure"] },
    roles: ["watcher"],
  },
  watchedNodes: {
    name: "civo_node_agent_watched_nodes",
    type: "gauge",
    help: "Nodes in the view of this watcher.",
    labels: [],
    roles: ["watcher"],
  },
  watchLastByte: {
    name: "civo_node_agent_watch_last_byte_timestamp_seconds",
    type: "gauge",
    help: "When this watcher last heard from the API server.",
    labels: [],
    roles: ["watcher"],
  },
} as const satisfies Record<string, MetricDefinition>;
