/** The closed sets of labels that belong to metrics alone. A retired word is never used again. */
import { CHECKER_NAMES } from "../core/check.ts";
import { CHECKER_REASONS } from "../core/checkers/registry.ts";
import { REBOOT_OUTCOMES } from "../core/record.ts";

/** What a reconcile may stumble over; the `reason` of `civo_node_agent_reconcile_errors_total`. */
export const RECONCILE_ERRORS = [
  "Redis",
  "Kubernetes",
  "Cloud",
  "Conflict",
  "DamagedRecord",
  "DamagedSnapshot",
  "DamagedJob",
  "Handler",
  "Unexpected",
] as const;
export type ReconcileError = (typeof RECONCILE_ERRORS)[number];

/** Whether a published snapshot was news to Redis; with several watchers all but one find it known. */
export const PUBLISH_RESULTS = ["Accepted", "Known"] as const;
export type PublishResult = (typeof PUBLISH_RESULTS)[number];

/** What became of Kubernetes Events; `Dropped` ones were never sent, since too many came or they were not allowed. */
export const EVENT_RESULTS = ["Created", "Known", "Dropped", "Forbidden", "Refused", "Failed"] as const;
export type EventResult = (typeof EVENT_RESULTS)[number];

/** Why a worker is blind; while any of them holds, nothing is rebooted. */
export const BLIND_CAUSES = ["View", "Grace", "Redis", "Kubernetes", "Cloud"] as const;
export type BlindCause = (typeof BLIND_CAUSES)[number];

/** Why a worker takes no jobs: beside workers in active mode, or no repairs because its clock differs. */
export const PAUSE_CAUSES = ["Mode", "Clock"] as const;
/** What a reboot transaction asks between its first read and the call; the time of each is taken. */
export const TIMED_STEPS = [
  "Redis",
  "Verdict",
  "Ledger",
  "Node",
  "Fleet",
  "Cloud",
  "Pods",
  "Intent",
] as const;
export type TimedStep = (typeof TIMED_STEPS)[number];

/** What made a send deadline missed; `Process`: the worker itself stood still, or its clock was set. */
export const DEADLINE_STEPS = [...TIMED_STEPS, "Process"] as const;
export type DeadlineStep = (typeof DEADLINE_STEPS)[number];

/** Sources of the gauges that are read at scrape. */
export const SCRAPE_SOURCES = [
  "nodes",
  "records",
  "queues",
  "held",
  "view",
  "blind",
  "watch",
  "standing",
  "grants",
] as const;
export type ScrapeSource = (typeof SCRAPE_SOURCES)[number];

/** What a repair may do; None is a failure that is only reported. */
export const ACTIONS = ["Reboot", "None"];
/** Whether repairs are real. */
export const MODES = ["monitor", "active"];
/** What all checkers together say of a node. */
export const VERDICTS = ["Pass", "Fail", "Undecided"];
/** What a reboot call may end with; `Intent` is no end of one. */
export const ANSWERS = REBOOT_OUTCOMES.filter((outcome) => outcome !== "Intent");
/** Every judgement that a checker may give. */
export const CHECK_RESULTS = CHECKER_NAMES.map((checker) => ({
  checker: [checker],
  result: CHECKER_REASONS[checker],
}));
