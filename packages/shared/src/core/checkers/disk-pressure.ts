import type { CheckResult, HealthChecker, RepairAction } from "../check.ts";
import type { NodeSnapshot } from "../node.ts";
import type { Millis } from "../time.ts";
import { conditionOf } from "./conditions.ts";

/** Every reason of the DiskPressure checker. */
export const DISK_PRESSURE_REASONS = [
  "KubeletHasDiskPressure",
  "KubeletHasNoDiskPressure",
  "DiskPressureUnknown",
  "DiskPressureMissing",
] as const;
export type DiskPressureReason = (typeof DISK_PRESSURE_REASONS)[number];

/**
 * Fails while DiskPressure is True. Unknown comes from the node controller when the kubelet is silent: neither
 * pressure nor recovery, so nothing is judged (NodeReady judges the silence).
 */
export function createDiskPressureChecker(options: {
  readonly threshold: Millis;
  readonly action: RepairAction;
}): HealthChecker {
  return {
    name: "DiskPressure",
    threshold: options.threshold,
    action: options.action,
    reasons: DISK_PRESSURE_REASONS,
    check: diskPressureResult,
  };
}

function diskPressureResult(node: NodeSnapshot): CheckResult {
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

function result(verdict: CheckResult["verdict"], reason: DiskPressureReason): CheckResult {
  return { verdict, reason };
}
