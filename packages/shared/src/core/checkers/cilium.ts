import type { CheckResult, HealthChecker, RepairAction } from "../check.ts";
import type { NodeSnapshot } from "../node.ts";
import type { Millis } from "../time.ts";
import { conditionOf } from "./conditions.ts";

/** The taint that Cilium's operator keeps on a node while the agent is not running there (its key is configurable). */
export const CILIUM_TAINT = "node.cilium.io/agent-not-ready";

/** Every reason of the Cilium checker. */
export const CILIUM_REASONS = [
  "CiliumIsUp",
  "CiliumAgentNotReady",
  "CiliumNetworkUnavailable",
  "NoCilium",
] as const;
export type CiliumReason = (typeof CILIUM_REASONS)[number];

/**
 * Fails while Cilium's operator keeps its taint on the node, or NetworkUnavailable with a Cilium reason is anything
 * but False. Cilium itself only ever writes False/CiliumIsUp, so the taint is the signal that really comes (shared
 * facts, Kubernetes 2.6). The condition stays False on a dead node: a Pass here is no sign of life.
 */
export function createCiliumChecker(options: {
  readonly threshold: Millis;
  readonly action: RepairAction;
}): HealthChecker {
  return {
    name: "Cilium",
    threshold: options.threshold,
    action: options.action,
    reasons: CILIUM_REASONS,
    check: ciliumResult,
  };
}

function ciliumResult(node: NodeSnapshot): CheckResult {
  if (node.taints.some(({ key }) => key === CILIUM_TAINT)) return result("Fail", "CiliumAgentNotReady");
  const network = conditionOf(node, "NetworkUnavailable");
  // The one place where a reason is read: it tells whose condition this is. The judgement is the status alone.
  if (network?.reason?.startsWith("Cilium") !== true) return result("Skip", "NoCilium");
  return network.status === "False"
    ? result("Pass", "CiliumIsUp")
    : result("Fail", "CiliumNetworkUnavailable");
}

function result(verdict: CheckResult["verdict"], reason: CiliumReason): CheckResult {
  return { verdict, reason };
}
