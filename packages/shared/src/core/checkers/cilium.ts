import { result, type CheckResult } from "../check.ts";
import type { NodeSnapshot } from "../node.ts";
import { conditionOf } from "./conditions.ts";

/** The taint that Cilium's operator keeps on a node while the agent is not running there, by default. */
export const CILIUM_TAINT = "node.cilium.io/agent-not-ready";

/** Every reason of the Cilium checker. */
export const CILIUM_REASONS = [
  "CiliumIsUp",
  "CiliumAgentNotReady",
  "CiliumNetworkUnavailable",
  "OtherCNI",
  "NoCilium",
] as const;
type CiliumReason = (typeof CILIUM_REASONS)[number];

/**
 * Reasons of NetworkUnavailable by which another CNI says that it runs the node's network (facts on Kubernetes, 2.6).
 * The route controller's `RouteCreated` is none: it stands on nodes that run Cilium as well.
 */
const OTHER_CNI = /^(?:Flannel|Calico|Weave|Antrea|Canal|KubeRouter|KubeOvn)/u;

/**
 * Fails while Cilium's operator keeps its taint on the node, or NetworkUnavailable with a Cilium reason is anything
 * but False. Cilium itself only ever writes False/CiliumIsUp, so the taint is the signal that really comes (shared
 * facts, Kubernetes 2.6). The condition stays False on a dead node: a Pass here is no sign of life. A taint on a node
 * whose network another CNI runs is left over from a Cilium that was uninstalled. `taint` is the key of Cilium's setting
 * `agent-not-ready-taint-key`.
 */
export function checkCilium(node: NodeSnapshot, taint: string): CheckResult<CiliumReason> {
  const network = conditionOf(node, "NetworkUnavailable");
  // The one place where a reason is read: it tells whose condition this is. The judgement is the status alone.
  const writer = network?.reason ?? "";
  const tainted = node.taints.some(({ key }) => key === taint);
  if (OTHER_CNI.test(writer)) return result("Skip", tainted ? "OtherCNI" : "NoCilium");
  if (tainted) return result("Fail", "CiliumAgentNotReady");
  if (network === undefined || !writer.startsWith("Cilium")) return result("Skip", "NoCilium");
  return network.status === "False"
    ? result("Pass", "CiliumIsUp")
    : result("Fail", "CiliumNetworkUnavailable");
}
