import type { NodeSnapshot } from "../node.ts";

/**
 * Reasons for which GPUs are gone on purpose. The two failed ones are somebody's unfinished work as well: its owner
 * has raised its own alarm, and a reboot in the middle of it helps nobody; their own names keep them visible.
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

/** What is being done to the node's GPUs by its labels (shared facts, Kubernetes 2.5), or undefined. */
export function plannedGpuWork({ labels }: NodeSnapshot): PlannedGpuWork | undefined {
  const upgrade = labels["nvidia.com/gpu-driver-upgrade-state"];
  if (upgrade === "upgrade-failed") return "DriverUpgradeFailed";
  if (isOtherThan(upgrade, "upgrade-done")) return "DriverUpgrade";
  const mig = labels["nvidia.com/mig.config.state"];
  if (mig === "failed") return "MIGReconfigurationFailed";
  if (isOtherThan(mig, "success")) return "MIGReconfiguration";
  // The device plugin refuses a layout that its strategy cannot express; no reboot changes the layout.
  if (labels["nvidia.com/gpu.product"]?.endsWith("-MIG-INVALID") === true) return "MIGLayoutInvalid";
  if (isOtherThan(labels["nvidia.com/gpu.deploy.device-plugin"], "true")) return "DevicePluginNotDeployed";
  if (labels["nvidia.com/gpu.workload.config"]?.startsWith("vm-") === true) return "VMWorkload";
  return undefined;
}

function isOtherThan(value: string | undefined, normal: string): boolean {
  return value !== undefined && value !== "" && value !== normal;
}
