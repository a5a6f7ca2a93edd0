import type { GpuMemory, NodeHistory } from "../check.ts";
import type { NodeSnapshot } from "../node.ts";
import { ANNOTATION_PREFIX } from "../snapshot-fields.ts";
import { isAllocatedByDra } from "./gpu-allocation.ts";
import { plannedGpuWork } from "./gpu-planned-work.ts";
import { gpuViewOf, isGpuNode, otherDevices } from "./gpu-resources.ts";

/** The annotation by which an operator states how many GPUs the node has from now on (`node-agent gpu accept`). */
export const ACCEPTED_GPUS_ANNOTATION = `${ANNOTATION_PREFIX}accepted-gpus`;

/** What a snapshot teaches about the GPUs of its node. */
export interface GpuLesson {
  /** The snapshot shows GPUs. */
  readonly gpuNode: boolean;
  /**
   * Whole GPUs that the capacity of this snapshot proves; the history keeps the highest. Only a layout that labels call
   * plain proves more than one: the 80 units of a time-sliced node would later fail the same node, healthy, with 8 GPUs.
   */
  readonly gpuUnits: number;
  /** The number of GPUs this node had is no longer a standard: a DRA driver allocates them. */
  readonly gpuForgotten: boolean;
  /** What to remember until the next look. */
  readonly gpu: GpuMemory;
}

/** The number of GPUs that an operator accepted, or undefined. A value that is no small whole number is none. */
export function acceptedGpus({ annotations }: NodeSnapshot): number | undefined {
  const value = annotations[ACCEPTED_GPUS_ANNOTATION];
  return value !== undefined && /^\d{1,4}$/u.test(value) ? Number(value) : undefined;
}

/** Reads the lesson; the same snapshot again teaches nothing new. */
export function gpuLesson(node: NodeSnapshot, history: NodeHistory): GpuLesson {
  const memory = history.gpu ?? {};
  const view = gpuViewOf(node, memory);
  const inMotion = !view.readable || plannedGpuWork(node) !== undefined;
  const forgotten = view.allocatable === 0 && isAllocatedByDra(node, history);
  const accepted = acceptedGpus(node);
  return {
    gpuNode: isGpuNode(node),
    gpuUnits: provenGpus(view, inMotion),
    gpuForgotten: forgotten,
    gpu: {
      ...(forgotten ? {} : unitsOf(view, memory, inMotion)),
      ...strangersOf(node, view, history),
      // The slices stand until the device plugin offers GPUs again.
      ...(memory.draSlices === true && view.allocatable === 0 ? { draSlices: true as const } : {}),
      ...(accepted === undefined ? {} : { accepted }),
    },
  };
}

function provenGpus(view: ReturnType<typeof gpuViewOf>, inMotion: boolean): number {
  if (view.capacity === 0) return 0;
  // Units beyond GFD's count are slices of a layout that GFD has not labelled yet.
  return inMotion || view.layout !== "Plain"
    ? 1
    : Math.max(1, Math.min(view.capacity, view.labelled ?? view.capacity));
}

/**
 * The number of units to compare with where no label tells the layout. It rises with what is seen; it falls only when
 * labels tell the layout, or an operator accepted the new number.
 */
function unitsOf(
  view: ReturnType<typeof gpuViewOf>,
  { units = 0 }: GpuMemory,
  inMotion: boolean,
): Pick<GpuMemory, "units"> {
  if (inMotion || view.capacity === 0) return units === 0 ? {} : { units };
  const told = view.layout !== "Untold";
  // A resource whose units moved keeps its capacity for 5 minutes: it must not count twice.
  const now = told ? view.capacity : Math.max(view.capacity, view.allocatable + view.renamed);
  return { units: told ? now : Math.max(units, now) };
}

/** Devices that stand beside all the GPUs that a node should have are something else, whatever their name. */
function strangersOf(
  node: NodeSnapshot,
  view: ReturnType<typeof gpuViewOf>,
  { gpu: { strangers = [], units = 0 } = {}, gpuHighWater }: NodeHistory,
): Pick<GpuMemory, "strangers"> {
  const all = Math.max(1, units, gpuHighWater, view.layout === "Plain" ? (view.labelled ?? 0) : 0);
  const now = view.allocatable >= all ? otherDevices(node) : [];
  const known = [...new Set([...strangers, ...now])].toSorted().slice(0, MOST_STRANGERS);
  return known.length === 0 ? {} : { strangers: known };
}

/** As many resources as a snapshot keeps at most would be too many to carry in every record. */
const MOST_STRANGERS = 8;
