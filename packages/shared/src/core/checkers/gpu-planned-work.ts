import type { NodeHistory } from "../check.ts";
import type { NodeSnapshot } from "../node.ts";
import {
  gpuReasons,
  isWork,
  PLANNED_WORK_MARKS,
  plannedWorkMark,
  workState,
  workValue,
} from "../planned-work.ts";
import { DEVICE_PLUGIN_LABEL } from "./gpu-allocation.ts";

/**
 * Reasons for which GPUs are gone on purpose. Work that failed is its owner's unfinished work for a while, who has raised
 * an alarm of its own; the names of both keep them visible.
 */
export const PLANNED_GPU_WORK = [
  "DriverUpgrade",
  "DriverUpgradeFailed",
  "MIGReconfiguration",
  "MIGReconfigurationFailed",
  "MIGLayoutInvalid",
  "DevicePluginNotDeployed",
  "VMWorkload",
] as const;
export type PlannedGpuWork = (typeof PLANNED_GPU_WORK)[number];

/**
 * What is being done to the node's GPUs by its labels (shared facts, Kubernetes 2.5), or undefined. Work that is stuck or
 * failed long ago does nothing to them any more, and an upgrade that waits for its turn has not begun.
 */
export function plannedGpuWork(
  node: NodeSnapshot,
  { overdueWork = [] }: Pick<NodeHistory, "overdueWork"> = {},
): PlannedGpuWork | undefined {
  const { labels } = node;
  for (const mark of PLANNED_WORK_MARKS) {
    const value = workValue(mark, node);
    const reasons = value === undefined ? undefined : gpuReasons(mark, value);
    if (reasons === undefined || overdueWork.includes(mark.key)) continue;
    const state = workState(mark, value);
    if (isWork(state)) return reasons.inProgress;
    if (state === "Failed") return reasons.failed;
  }
  // The device plugin refuses a layout that its strategy cannot express; no reboot changes the layout.
  if (labels["nvidia.com/gpu.product"]?.endsWith("-MIG-INVALID") === true) return "MIGLayoutInvalid";
  if (isNotDeployed(labels[DEVICE_PLUGIN_LABEL])) return "DevicePluginNotDeployed";
  if (labels["nvidia.com/gpu.workload.config"]?.startsWith("vm-") === true) return "VMWorkload";
  return undefined;
}

/** A pause is work of another controller, told above or stuck; every other value but "true" leaves the plugin out. */
function isNotDeployed(value: string | undefined): boolean {
  const mark = plannedWorkMark(DEVICE_PLUGIN_LABEL);
  if (value === undefined || value === "" || value === "true" || mark === undefined) return false;
  return workState(mark, value) === "Over";
}
