import { result, type CheckResult } from "../check.ts";
import type { NodeSnapshot } from "../node.ts";
import { conditionOf } from "./conditions.ts";

/** Every reason of the DiskPressure checker. */
export const DISK_PRESSURE_REASONS = [
  "KubeletHasDiskPressure",
  "KubeletHasNoDiskPressure",
  "DiskPressureUnknown",
  "DiskPressureMissing",
] as const;
type DiskPressureReason = (typeof DISK_PRESSURE_REASONS)[number];

/**
 * Fails while DiskPressure is True. Unknown comes from the node controller when the kubelet is silent: neither
 * pressure nor recovery, so nothing is judged (NodeReady judges the silence).
 */
export function checkDiskPressure(node: NodeSnapshot): CheckResult<DiskPressureReason> {
  switch (conditionOf(node, "DiskPressure")?.status) {
    case "True":
      return result("Fail", "KubeletHasDiskPressure");
    case "False":
      return result("Pass", "KubeletHasNoDiskPressure");
    case "Unknown":
      return result("Skip", "DiskPressureUnknown");
    case undefined:
      return result("Skip", "DiskPressureMissing");
  }
}
