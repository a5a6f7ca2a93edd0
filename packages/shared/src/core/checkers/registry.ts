import {
  CHECKER_NAMES,
  type CheckerName,
  type CheckResult,
  type HealthChecker,
  type NodeHistory,
} from "../check.ts";
import type { NodeSnapshot } from "../node.ts";
import type { RepairPolicy } from "../policy.ts";
import { checkCilium, CILIUM_REASONS } from "./cilium.ts";
import { checkDiskPressure, DISK_PRESSURE_REASONS } from "./disk-pressure.ts";
import { checkGpu, GPU_REASONS } from "./gpu.ts";
import { checkNodeReady, NODE_READY_REASONS } from "./node-ready.ts";

/** The closed set of reasons of each checker, for metrics and documents. */
export const CHECKER_REASONS: Readonly<Record<CheckerName, readonly string[]>> = {
  NodeReady: NODE_READY_REASONS,
  GPU: GPU_REASONS,
  DiskPressure: DISK_PRESSURE_REASONS,
  Cilium: CILIUM_REASONS,
};

type Check = (node: NodeSnapshot, history: NodeHistory, policy: RepairPolicy) => CheckResult;

const CHECKS: Readonly<Record<CheckerName, Check>> = {
  NodeReady: (node, history, { startupGrace }) => checkNodeReady(node, history, startupGrace),
  GPU: checkGpu,
  DiskPressure: checkDiskPressure,
  Cilium: (node, _history, { ciliumTaint }) => checkCilium(node, ciliumTaint),
};

/** The checkers that the policy enables, in the order of `CHECKER_NAMES`. */
export function createCheckers(policy: RepairPolicy): readonly HealthChecker[] {
  return CHECKER_NAMES.filter((name) => policy.checkers[name].enabled).map((name) => {
    const { threshold, action } = policy.checkers[name];
    const check = CHECKS[name];
    return { name, threshold, action, check: (node, history) => check(node, history, policy) };
  });
}
