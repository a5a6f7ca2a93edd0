import { AUDIT_METRICS } from "./audit-metrics.ts";
import { CHECKER_NAMES } from "../core/check.ts";
import { GATES } from "../core/gates/gate.ts";
import { PHASES } from "../core/phase.ts";
import { REBOOT_OUTCOMES, REBOOT_VERIFICATIONS } from "../core/record.ts";
import {
  BLIND_CAUSES,
  EVENT_RESULTS,
  PUBLISH_RESULTS,
  RECONCILE_ERRORS,
  SCRAPE_SOURCES,
} from "./metric-labels.ts";

/** Where a metric is reported; one that is not named here is reported by every process. */
export type MetricRole = "watcher" | "worker";
/** A metric as the documents and the registry know it. Every metric also carries the label `cluster`. */
export interface MetricDefinition {
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly labels: readonly string[];
  /** The closed sets among the labels; another value is reported as `other`. */
  readonly values?: Readonly<Record<string, readonly string[]>>;
  /** Carries a `node` label too when `perNodeMetrics` is on. */
  readonly perNode?: true;
  readonly roles?: readonly MetricRole[];
  /** Upper bounds in seconds, of a histogram. */
  readonly buckets?: readonly number[];
}

/** Seconds to a recovery: the steps of medik8s' node health check, and two more for repeated attempts. */
const RECOVERY_BUCKETS = [30, 60, 120, 180, 240, 300, 600, 1200, 2400, 3600, 7200, 14_400];
const CALL_BUCKETS = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const ACTIONS = ["Reboot", "None"];
/** Every metric of this project. A retired name is never used again. The first seven are the seed agent's. */
export const METRICS = {
  info: {
    name: "civo_node_agent_info",
    type: "gauge",
    help: "Always 1; version of the agent and name of the cluster it looks after.",
    labels: ["version", "cluster_id"],
  },
  healthChecks: {
    name: "civo_node_agent_health_check_total",
    type: "counter",
    help: "Judgements of a checker, by its reason.",
    labels: ["pool", "checker", "result"],
    values: { checker: CHECKER_NAMES },
    perNode: true,
    roles: ["worker"],
  },
  recoveryActions: {
    name: "civo_node_agent_recovery_actions_total",
    type: "counter",
    help: "Repairs begun; in mode monitor those that would have been begun.",
    labels: ["pool", "action", "mode"],
    values: { action: ACTIONS, mode: ["monitor", "active"] },
    perNode: true,
    roles: ["worker"],
  },
  recoveryFailures: {
    name: "civo_node_agent_recovery_failures_total",
    type: "counter",
    help: "Repairs that were refused, were not sent, or whose outcome is unknown.",
    labels: ["pool", "action"],
    values: { action: ACTIONS },
    perNode: true,
    roles: ["worker"],
  },
  reconcileErrors: {
    name: "civo_node_agent_reconcile_errors_total",
    type: "counter",
    help: "Faults met while watching, judging or repairing nodes.",
    labels: ["reason"],
    values: { reason: RECONCILE_ERRORS },
  },
  unhealthyDuration: {
    name: "civo_node_agent_node_unhealthy_duration_seconds",
    type: "gauge",
    help: "How long the present incident of a node lasts; only for nodes that have one.",
    labels: ["node", "pool"],
    roles: ["worker"],
  },
  recoveryPhase: {
    name: "civo_node_agent_recovery_phase",
    type: "gauge",
    help: "1 for the present phase of a node; only for nodes that are not Healthy.",
    labels: ["node", "pool", "phase"],
    values: { phase: PHASES },
    roles: ["worker"],
  },
  nodeAttempts: {
    name: "civo_node_agent_node_reboot_attempts",
    type: "gauge",
    help: "Reboots made in the present incident of a node; only for nodes that have one.",
    labels: ["node", "pool"],
    roles: ["worker"],
  },
  nodes: {
    name: "civo_node_agent_nodes",
    type: "gauge",
    help: "Nodes in each phase, from Redis: the same in every process, so aggregate with max.",
    labels: ["pool", "phase"],
    values: { phase: PHASES },
    roles: ["worker"],
  },
  buildInfo: {
    name: "civo_node_agent_build_info",
    type: "gauge",
    help: "Always 1; what is running.",
    labels: ["version", "node_version", "role"],
  },
  monitorOnly: {
    name: "civo_node_agent_monitor_only",
    type: "gauge",
    help: "1 when no cloud is ever called, 0 when reboots are real.",
    labels: [],
  },
  evaluations: {
    name: "civo_node_agent_evaluations_total",
    type: "counter",
    help: "Nodes judged by all checkers together.",
    labels: ["pool", "verdict"],
    values: { verdict: ["Pass", "Fail", "Undecided"] },
    roles: ["worker"],
  },
  phaseChanges: {
    name: "civo_node_agent_phase_changes_total",
    type: "counter",
    help: "Changes of phase.",
    labels: ["pool", "from", "to"],
    values: { from: PHASES, to: PHASES },
    perNode: true,
    roles: ["worker"],
  },
  recoveryDuration: {
    name: "civo_node_agent_recovery_duration_seconds",
    type: "histogram",
    help: "Time from the first failing check of an incident to Healthy.",
    labels: ["pool"],
    buckets: RECOVERY_BUCKETS,
    roles: ["worker"],
  },
  reboots: {
    name: "civo_node_agent_reboots_total",
    type: "counter",
    help: "Finished reboot calls by outcome; Unknown counts as a reboot, Simulated is monitor-only.",
    labels: ["pool", "outcome"],
    values: { outcome: REBOOT_OUTCOMES },
    perNode: true,
    roles: ["worker"],
  },
  rebootsVerified: {
    name: "civo_node_agent_reboots_verified_total",
    type: "counter",
    help: "Reboots by what they came to, told by the boot id.",
    labels: ["pool", "verification"],
    values: { verification: REBOOT_VERIFICATIONS },
    perNode: true,
    roles: ["worker"],
  },
  rebootsBlocked: {
    name: "civo_node_agent_reboots_blocked_total",
    type: "counter",
    help: "Times a due or waiting reboot was held back, by the gate that did.",
    labels: ["pool", "gate"],
    values: { gate: GATES },
    roles: ["worker"],
  },
  events: {
    name: "civo_node_agent_kubernetes_events_total",
    type: "counter",
    help: "Kubernetes Events about nodes, by what became of them; Known ones stood there already, Dropped ones were too many or not allowed.",
    labels: ["result"],
    values: { result: EVENT_RESULTS },
    roles: ["worker"],
  },
  cloudRequests: {
    name: "civo_node_agent_cloud_api_requests_total",
    type: "counter",
    help: "Calls to the cloud, by operation and class of the answer.",
    labels: ["provider", "operation", "result"],
    roles: ["worker"],
  },
  cloudDuration: {
    name: "civo_node_agent_cloud_api_request_duration_seconds",
    type: "histogram",
    help: "Duration of calls to the cloud.",
    labels: ["provider", "operation"],
    buckets: CALL_BUCKETS,
    roles: ["worker"],
  },
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
  ...AUDIT_METRICS,
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
  viewAge: {
    name: "civo_node_agent_view_age_seconds",
    type: "gauge",
    help: "Age of the freshest view of the cluster any watcher vouches for; beyond timings.viewMaxAge nothing is rebooted.",
    labels: [],
  },
  rebootsHeld: {
    name: "civo_node_agent_reboots_held",
    type: "gauge",
    help: "Pending reboots that a gate holds now, from Redis: the same in every process, so aggregate with max.",
    labels: ["gate"],
    values: { gate: GATES },
    roles: ["worker"],
  },
  rebootsHeldSeconds: {
    name: "civo_node_agent_reboots_held_seconds",
    type: "gauge",
    help: "For how long a gate has held the pending reboot that it has held the longest.",
    labels: ["gate"],
    values: { gate: GATES },
    roles: ["worker"],
  },
  blind: {
    name: "civo_node_agent_blind",
    type: "gauge",
    help: "1 for each cause by which this worker reboots nothing now: no fresh view, the grace after one, Redis, Kubernetes or the cloud out of reach.",
    labels: ["cause"],
    values: { cause: BLIND_CAUSES },
    roles: ["worker"],
  },
  queueJobs: {
    name: "civo_node_agent_queue_jobs",
    type: "gauge",
    help: "Jobs in each queue and state, from Redis: the same in every process, so aggregate with max. Delayed jobs of reboots are pending reboots.",
    labels: ["queue", "state"],
    roles: ["worker"],
  },
  redisErrors: {
    name: "civo_node_agent_redis_errors_total",
    type: "counter",
    help: "Errors of Redis connections, those left out of the log included.",
    labels: ["purpose"],
    values: { purpose: ["worker", "producer", "store"] },
  },
  scrapeErrors: {
    name: "civo_node_agent_scrape_errors_total",
    type: "counter",
    help: "Sources of gauges that could not be read at scrape; their gauges are missing from that scrape.",
    labels: ["source"],
    values: { source: SCRAPE_SOURCES },
  },
} as const satisfies Record<string, MetricDefinition>;

export type MetricKey = keyof typeof METRICS;
