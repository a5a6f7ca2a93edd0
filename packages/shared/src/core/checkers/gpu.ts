import type { CheckResult, HealthChecker, NodeHistory, RepairAction } from "../check.ts";
import { poolOf, type NodeSnapshot } from "../node.ts";
import type { Millis } from "../time.ts";
import { gpuViewOf, isGpuNode, type GpuView } from "./gpu-resources.ts";
import { plannedGpuWork, PLANNED_GPU_WORK } from "./gpu-planned-work.ts";
import { isYoung } from "./startup.ts";

/** Every reason of the GPU checker; the first four are the seed agent's. */
export const GPU_REASONS = [
  "GPUCountMatch",
  "GPUCountMismatch",
  "NoAllocatableGPU",
  "NonGPUNode",
  "GPUSlicesAllocatable",
  "NoGPUResource",
  "NoMIGInstance",
  "UnreadableGPUCount",
  "GPUStartup",
  ...PLANNED_GPU_WORK,
] as const;
export type GpuReason = (typeof GPU_REASONS)[number];

/** How the GPU checker is built; `expectedGpus` by pool name, `startupGrace` since the node's creation. */
export interface GpuOptions {
  readonly threshold: Millis;
  readonly action: RepairAction;
  readonly startupGrace: Millis;
  readonly expectedGpus: Readonly<Record<string, number>>;
}

/**
 * Fails when GPUs that the node should offer cannot be used:
 *
 * 1. fewer units of a resource are allocatable than there are, whatever the layout (an unhealthy device);
 * 2. nothing is left of the GPUs that this node is known to have had (or is configured to have);
 * 3. on a plain node, where one unit is one GPU, there are fewer than expected.
 *
 * Expected is the pool's configured number, else the most ever seen on this node and GFD's present count, whichever
 * is higher: GFD's label alone drops with a lost GPU. Under MIG, MPS and time-slicing units are not GPUs and are
 * never compared with a count of GPUs. Planned work on the GPUs suspends the check.
 */
export function createGpuChecker(options: GpuOptions): HealthChecker {
  return {
    name: "GPU",
    threshold: options.threshold,
    action: options.action,
    reasons: GPU_REASONS,
    check: (node, history) => gpuResult(node, history, options),
  };
}

function gpuResult(node: NodeSnapshot, history: NodeHistory, options: GpuOptions): CheckResult {
  const configured = configuredGpus(node, options.expectedGpus);
  const known = history.gpuHighWater;
  if (!isGpuNode(node) && !history.gpuNode && known === 0 && (configured ?? 0) === 0) {
    return result("Skip", "NonGPUNode");
  }
  const planned = plannedGpuWork(node, history);
  if (planned !== undefined) return result("Skip", planned);

  const view = gpuViewOf(node);
  if (!view.readable) return result("Skip", "UnreadableGPUCount");
  const expected = configured ?? Math.max(known, labelledGpus(view));
  if (view.capacity === 0) {
    if (expected === 0) return result("Skip", "NoGPUResource");
    if (view.undivided) return result("Skip", "NoMIGInstance");
    const starting = known === 0 && isYoung(node, history, options.startupGrace);
    return starting ? result("Skip", "GPUStartup") : result("Fail", "NoAllocatableGPU");
  }
  return countResult(view, expected);
}

function countResult(view: GpuView, expected: number): CheckResult {
  if (view.allocatable === 0) return result("Fail", "NoAllocatableGPU");
  if (view.resources.some(({ capacity, allocatable }) => allocatable < capacity)) {
    return result("Fail", "GPUCountMismatch");
  }
  if (!view.plain) return result("Pass", "GPUSlicesAllocatable");
  return view.allocatable < expected ? result("Fail", "GPUCountMismatch") : result("Pass", "GPUCountMatch");
}

/** GFD's count, where a device plugin is there to be held against it and one unit is one GPU. */
function labelledGpus(view: GpuView): number {
  return view.plain && view.resources.length > 0 ? (view.labelled ?? 0) : 0;
}

function configuredGpus(
  node: NodeSnapshot,
  expectedGpus: Readonly<Record<string, number>>,
): number | undefined {
  const pool = poolOf(node);
  // A pool may be named "constructor".
  return pool !== undefined && Object.hasOwn(expectedGpus, pool) ? expectedGpus[pool] : undefined;
}

function result(verdict: CheckResult["verdict"], reason: GpuReason): CheckResult {
  return { verdict, reason };
}
