/**
 * Who cordoned a node, read from what known controllers leave beside the cordon; `kubectl cordon` leaves nothing.
 *
 * Sources: NVSentinel `fault-quarantine` (labels with a prefix, `k8saas.nvidia.com/` by default), NVIDIA's
 * k8s-operator-libs (an annotation remembers a cordon that was there before the upgrade), and the marks of `FOREIGN_MARKS`
 * and `PLANNED_WORK_MARKS`, whose owners cordon as a part of their work.
 */
import type { NodeSnapshot } from "./node.ts";
import { isWork, plannedWorkMark, workState, workValue, type PlannedWorkMark } from "./planned-work.ts";

/** Labels by which NVSentinel says that it cordoned a node, and why. */
export const CORDON_LABELS = [
  "k8saas.nvidia.com/cordon-by",
  "k8saas.nvidia.com/cordon-reason",
  "cordon-by",
  "cordon-reason",
] as const;

/** Annotations by which a controller says that it cordons a node. */
export const CORDON_ANNOTATIONS = [
  "quarantineHealthEventIsCordoned",
  "nvidia.com/gpu-driver-upgrade.node-initial-state.unschedulable",
  "nvidia.com/ofed-driver-upgrade.node-initial-state.unschedulable",
] as const;

/** Who cordoned a node, in words; no owner: nothing on the node tells. */
export interface Cordon {
  readonly owner?: string;
  readonly text: string;
}

/** Reads who cordoned a node. */
export function cordonedBy(node: NodeSnapshot): Cordon {
  const { labels, annotations } = node;
  const by = labels["k8saas.nvidia.com/cordon-by"] ?? labels["cordon-by"];
  const reason = labels["k8saas.nvidia.com/cordon-reason"] ?? labels["cordon-reason"];
  if (by !== undefined && by !== "")
    return cordon(by, reason === "" ? undefined : reason && `reason ${reason}`);
  if (annotations["quarantineHealthEventIsCordoned"]?.toLowerCase() === "true") return cordon("NVSentinel");
  for (const mark of UPGRADES) {
    const value = cordoningValue(mark, node);
    if (value !== undefined && !wasCordonedBefore(mark.key, node)) return cordon(mark.owner, value);
  }
  if (node.taints.some(({ key }) => key === "medik8s.io/drain" || key === "kubevirt.io/drain"))
    return cordon("the node maintenance operator");
  if (annotations["weave.works/kured-reboot-in-progress"] !== undefined) return cordon("kured");
  if (node.taints.some(({ key }) => key === "ToBeDeletedByClusterAutoscaler"))
    return cordon("the cluster autoscaler");
  return { text: "cordoned; nothing on the node says by whom" };
}

/** Upgrades that cordon the node. */
const UPGRADES = [
  "nvidia.com/gpu-driver-upgrade-state",
  "nvidia.com/ofed-driver-upgrade-state",
  "machineconfiguration.openshift.io/state",
].flatMap((key) => plannedWorkMark(key) ?? []);

/** The state of an upgrade that has cordoned the node; a failed one left it so. */
function cordoningValue(mark: PlannedWorkMark, node: NodeSnapshot): string | undefined {
  const value = workValue(mark, node);
  const state = workState(mark, value);
  return isWork(state) || state === "Failed" ? value : undefined;
}

/** An upgrade remembers a cordon that it found, and then it is not the one to end it. */
function wasCordonedBefore(key: string, { annotations }: NodeSnapshot): boolean {
  if (!key.endsWith("-state")) return false;
  return annotations[key.replace(/-state$/u, ".node-initial-state.unschedulable")] !== undefined;
}

function cordon(owner: string, detail?: string): Cordon {
  return { owner, text: `cordoned by ${owner}${detail === undefined ? "" : ` (${detail})`}` };
}
