import type { CheckResult, HealthChecker, RepairAction } from "../check.ts";
import type { NodeSnapshot } from "../node.ts";
import type { Millis } from "../time.ts";
import { conditionOf, isReady } from "./conditions.ts";
import { isYoung } from "./startup.ts";

/** Every reason of the NodeReady checker; the kubelet's and the node controller's own words where they exist. */
export const NODE_READY_REASONS = [
  "KubeletReady",
  "OtherReady",
  "KubeletNotReady",
  "OtherNotReady",
  "NodeStatusUnknown",
  "NodeStatusNeverUpdated",
  "OtherUnknown",
  "ReadyConditionMissing",
  "StartupGrace",
] as const;
export type NodeReadyReason = (typeof NODE_READY_REASONS)[number];

/** The reason under which a node that has never been Ready is not judged yet. */
export const STARTUP_GRACE = "StartupGrace" satisfies NodeReadyReason;

/** How the NodeReady checker is built; `startupGrace` counts from the node's creation. */
export interface NodeReadyOptions {
  readonly threshold: Millis;
  readonly action: RepairAction;
  readonly startupGrace: Millis;
}

/** Fails while Ready is False, Unknown or missing; a node never seen Ready has its start-up grace first. */
export function createNodeReadyChecker({ threshold, action, startupGrace }: NodeReadyOptions): HealthChecker {
  return {
    name: "NodeReady",
    threshold,
    action,
    reasons: NODE_READY_REASONS,
    check: (node, history) =>
      !history.everReady && !isReady(node) && isYoung(node, history, startupGrace)
        ? { verdict: "Skip", reason: STARTUP_GRACE }
        : readyResult(node),
  };
}

function readyResult(node: NodeSnapshot): CheckResult {
  const ready = conditionOf(node, "Ready");
  const reason = readyReason(ready?.status, ready?.reason);
  return { verdict: ready?.status === "True" ? "Pass" : "Fail", reason };
}

function readyReason(status: string | undefined, reason: string | undefined): NodeReadyReason {
  switch (status) {
    case undefined:
      return "ReadyConditionMissing";
    case "True":
      return reason === "KubeletReady" ? reason : "OtherReady";
    case "False":
      return reason === "KubeletNotReady" ? reason : "OtherNotReady";
    default:
      return reason === "NodeStatusUnknown" || reason === "NodeStatusNeverUpdated" ? reason : "OtherUnknown";
  }
}
