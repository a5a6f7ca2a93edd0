import { result, type CheckResult, type NodeHistory } from "../check.ts";
import { poolOf, type NodeSnapshot } from "../node.ts";
import type { RepairPolicy } from "../policy.ts";
import type { Millis } from "../time.ts";
import { isAllocatedByDra } from "./gpu-allocation.ts";
import { acceptedGpus } from "./gpu-memory.ts";
import { plannedGpuWork, PLANNED_GPU_WORK } from "./gpu-planned-work.ts";
import { gpuViewOf, isGpuNode, type GpuView } from "./gpu-resources.ts";
import { isYoung } from "./startup.ts";

/** A GPU node that never showed a GPU is given time to start up. */
export const GPU_STARTUP = "GPUStartup";

/** Every reason of the GPU checker; the first four are the seed agent's. */
export const GPU_REASONS = [
  "GPUCountMatch",
  "GPUCountMismatch",
  "NoAllocatableGPU",
  "NonGPUNode",
  "GPUSlicesAllocatable",
  "GPUUnitsMoved",
  "AllocatedByDRA",
  "GPULayoutUnknown",
  "NoGPUResource",
  "NoMIGInstance",
  "UnreadableGPUCount",
  GPU_STARTUP,
  ...PLANNED_GPU_WORK,
] as const;
type GpuReason = (typeof GPU_REASONS)[number];

/** The part of the policy that the GPU checker needs. */
type GpuOptions = Pick<RepairPolicy, "startupGrace" | "expectedGpus">;

/** What the node should offer, by whom it was said; undefined: that is not known. */
interface Expected {
  /** Accepted for this node by an operator. */
  readonly accepted: number | undefined;
  /** Configured for its pool. */
  readonly configured: number | undefined;
  /** Accepted, else configured, else the most ever proven and GFD's present count, whichever is higher. */
  readonly gpus: number;
  /** Units seen before, where nothing told the layout. */
  readonly units: number;
}

/**
 * Fails on evidence that GPUs cannot be used, never on the absence of a signal (decision 20):
 *
 * 1. a resource offers some of its units and not all, or none of them while no other resource offers any;
 * 2. labels or the configuration prove that one unit is one GPU, and there are fewer than expected;
 * 3. labels or the configuration count GPUs, the device plugin was here before, and no resource has capacity.
 *
 * A DRA driver, planned work, or units under another name explain the absence of a resource. Where a count changed and
 * nothing tells the layout, the node is skipped.
 */
export function checkGpu(
  node: NodeSnapshot,
  history: NodeHistory,
  options: GpuOptions,
): CheckResult<GpuReason> {
  const view = gpuViewOf(node, history.gpu);
  const expected = expectedOf(node, history, view, options);
  const known = history.gpuNode || history.gpuHighWater > 0 || expected.units > 0;
  if (!isGpuNode(node) && !known && (expected.configured ?? 0) === 0) return result("Skip", "NonGPUNode");
  const planned = plannedGpuWork(node, history);
  if (planned !== undefined) return result("Skip", planned);
  if (!view.readable) return result("Skip", "UnreadableGPUCount");
  if (view.resources.some(({ capacity, allocatable }) => allocatable > 0 && allocatable < capacity)) {
    return result("Fail", "GPUCountMismatch");
  }
  if (view.allocatable > 0) return offeredResult(view, expected);
  if (isAllocatedByDra(node, history)) return result("Skip", "AllocatedByDRA");
  if (view.renamed > 0) return movedResult(view, expected);
  if (view.capacity > 0) return result("Fail", "NoAllocatableGPU");
  return nothingResult(node, history, { view, expected, grace: options.startupGrace });
}

/** Every resource offers all of its units, or belongs to a layout that is gone, or GFD proves that it does not. */
function offeredResult(view: GpuView, expected: Expected): CheckResult<GpuReason> {
  if (view.resources.some(({ capacity, allocatable }) => allocatable < capacity)) {
    return result("Fail", "GPUCountMismatch");
  }
  if (view.layout === "Sliced") return result("Pass", "GPUSlicesAllocatable");
  const proven = view.layout === "Plain" || expected.configured !== undefined;
  if (proven && view.allocatable + view.renamed < expected.gpus) return result("Fail", "GPUCountMismatch");
  if (proven || view.allocatable >= standardOf(expected)) return result("Pass", "GPUCountMatch");
  return movedResult(view, expected);
}

/** Units under another name make up for those that are missing, or it cannot be told. */
function movedResult(view: GpuView, expected: Expected): CheckResult<GpuReason> {
  const moved = view.renamed > 0 && view.allocatable + view.renamed >= standardOf(expected);
  return moved ? result("Pass", "GPUUnitsMoved") : result("Skip", "GPULayoutUnknown");
}

/** No resource has capacity. */
function nothingResult(
  node: NodeSnapshot,
  history: NodeHistory,
  { view, expected, grace }: { readonly view: GpuView; readonly expected: Expected; readonly grace: Millis },
): CheckResult<GpuReason> {
  if (expected.accepted === 0) return result("Pass", "GPUCountMatch");
  if (view.undivided) return result("Skip", "NoMIGInstance");
  const before = Math.max(history.gpuHighWater, expected.units);
  const counted = (expected.configured ?? 0) > 0 || (view.labelled ?? 0) > 0;
  if (!counted) return result("Skip", before > 0 ? "GPULayoutUnknown" : "NoGPUResource");
  // GFD can run without a device plugin: labels alone prove no loss where the kubelet never knew the resource.
  const offeredBefore = before > 0 || view.resources.length > 0 || expected.configured !== undefined;
  if (!offeredBefore) return result("Skip", "NoGPUResource");
  const starting = before === 0 && isYoung(node, history, grace);
  return starting ? result("Skip", GPU_STARTUP) : result("Fail", "NoAllocatableGPU");
}

/** What the units are held against where nothing tells the layout. */
function standardOf({ accepted, configured, gpus, units }: Expected): number {
  return accepted ?? configured ?? Math.max(gpus, units);
}

function expectedOf(
  node: NodeSnapshot,
  history: NodeHistory,
  view: GpuView,
  { expectedGpus }: GpuOptions,
): Expected {
  const accepted = acceptedGpus(node);
  const configured = configuredGpus(node, expectedGpus);
  // GFD's count, where a device plugin is there to be held against it and one unit is one GPU.
  const labelled = view.layout === "Plain" && view.resources.length > 0 ? (view.labelled ?? 0) : 0;
  return {
    accepted,
    configured: accepted ?? configured,
    gpus: accepted ?? configured ?? Math.max(history.gpuHighWater, labelled),
    units: history.gpu?.units ?? 0,
  };
}

function configuredGpus(
  node: NodeSnapshot,
  expectedGpus: Readonly<Record<string, number>>,
): number | undefined {
  const pool = poolOf(node);
  // A pool may be named "constructor".
  return pool !== undefined && Object.hasOwn(expectedGpus, pool) ? expectedGpus[pool] : undefined;
}
