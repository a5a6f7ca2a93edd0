import { result, type CheckResult, type NodeHistory } from "../check.ts";
import type { NodeSnapshot } from "../node.ts";
import type { Millis } from "../time.ts";
import { conditionOf } from "./conditions.ts";
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
type NodeReadyReason = (typeof NODE_READY_REASONS)[number];

/** The reason under which a node that has never been Ready is not judged yet. */
export const STARTUP_GRACE = "StartupGrace" satisfies NodeReadyReason;

/**
 * Fails while Ready is False, Unknown or missing; a node never seen Ready has its start-up grace first, which counts from
 * the node's creation.
 */
export function checkNodeReady(
  node: NodeSnapshot,
  history: NodeHistory,
  startupGrace: Millis,
): CheckResult<NodeReadyReason> {
  const ready = conditionOf(node, "Ready");
  const passes = ready?.status === "True";
  if (!passes && !history.everReady && isYoung(node, history, startupGrace)) {
    return result("Skip", STARTUP_GRACE);
  }
  return result(passes ? "Pass" : "Fail", readyReason(ready?.status, ready?.reason));
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
