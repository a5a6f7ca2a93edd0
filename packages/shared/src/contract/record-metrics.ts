import { CHECKER_NAMES } from "../core/check.ts";
import { FOREIGN_MARKS } from "../core/foreign-marks.ts";
import { PHASES } from "../core/phase.ts";
import { PLANNED_WORK_MARKS } from "../core/planned-work.ts";
import type { RecordGauge } from "../core/record-gauges.ts";
import type { MetricDefinition } from "./metric-definition.ts";

/** The gauges that count records; how they count stands in `core/record-gauges.ts` under the same keys. */
export const RECORD_METRICS = {
  nodes: {
    name: "civo_node_agent_nodes",
    type: "gauge",
    help: "Nodes in each phase, from Redis: the same in every process, so aggregate with max.",
    labels: ["pool", "phase"],
    values: { phase: PHASES },
    roles: ["worker"],
  },
  judgedNodes: {
    name: "civo_node_agent_checker_nodes",
    type: "gauge",
    help: "Nodes that a checker judges now, from Redis; 0 for a checker that is disabled or applies to no node.",
    labels: ["checker"],
    values: { checker: CHECKER_NAMES },
    roles: ["worker"],
  },
  skippedNodes: {
    name: "civo_node_agent_checker_skipped_nodes",
    type: "gauge",
    help: "Nodes that a checker judged before and skips now, by its reason, from Redis: aggregate with max.",
    labels: ["pool", "checker", "result"],
    values: { checker: CHECKER_NAMES },
    roles: ["worker"],
  },
  flappingNodes: {
    name: "civo_node_agent_checker_flapping_nodes",
    type: "gauge",
    help: "Nodes on which a checker changes between Fail and Pass too often (flapping.threshold), from Redis: aggregate with max.",
    labels: ["pool", "checker"],
    values: { checker: CHECKER_NAMES },
    roles: ["worker"],
  },
  plannedWorkNodes: {
    name: "civo_node_agent_planned_work_nodes",
    type: "gauge",
    help: "Nodes with planned work of another controller in progress, from Redis: aggregate with max. Work older than plannedWork.maxAge is stuck and holds nothing.",
    labels: ["pool", "mark", "state"],
    values: { mark: PLANNED_WORK_MARKS.map(({ key }) => key), state: ["held", "stuck"] },
    roles: ["worker"],
  },
  foreignHoldNodes: {
    name: "civo_node_agent_foreign_hold_nodes",
    type: "gauge",
    help: "Failing nodes whose repair a mark of another owner holds, from Redis: aggregate with max. One older than foreignOwner.staleAfter is stale.",
    labels: ["pool", "mark", "state"],
    values: { mark: FOREIGN_MARKS.map(({ key }) => key), state: ["held", "stale"] },
    roles: ["worker"],
  },
} as const satisfies Record<RecordGauge, MetricDefinition>;
