import { CHECKER_NAMES, type CheckerName, type HealthChecker } from "../check.ts";
import type { RepairPolicy } from "../policy.ts";
import { CILIUM_REASONS, createCiliumChecker } from "./cilium.ts";
import { createDiskPressureChecker, DISK_PRESSURE_REASONS } from "./disk-pressure.ts";
import { createGpuChecker, GPU_REASONS } from "./gpu.ts";
import { createNodeReadyChecker, NODE_READY_REASONS } from "./node-ready.ts";

/** The closed set of reasons of each checker, for metrics and documents. */
export const CHECKER_REASONS: Readonly<Record<CheckerName, readonly string[]>> = {
  NodeReady: NODE_READY_REASONS,
  GPU: GPU_REASONS,
  DiskPressure: DISK_PRESSURE_REASONS,
  Cilium: CILIUM_REASONS,
};

const FACTORIES: Readonly<Record<CheckerName, (policy: RepairPolicy) => HealthChecker>> = {
  NodeReady: ({ checkers, startupGrace }) => createNodeReadyChecker({ ...checkers.NodeReady, startupGrace }),
  GPU: ({ checkers, startupGrace, expectedGpus }) =>
    createGpuChecker({ ...checkers.GPU, startupGrace, expectedGpus }),
  DiskPressure: ({ checkers }) => createDiskPressureChecker(checkers.DiskPressure),
  Cilium: ({ checkers, ciliumTaint: taint }) => createCiliumChecker({ ...checkers.Cilium, taint }),
};

/** The checkers that the policy enables, in the order of `CHECKER_NAMES`. */
export function createCheckers(policy: RepairPolicy): readonly HealthChecker[] {
  return CHECKER_NAMES.filter((name) => policy.checkers[name].enabled).map((name) => FACTORIES[name](policy));
}
