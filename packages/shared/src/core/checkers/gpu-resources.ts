/**
 * What a snapshot says of its GPUs: the resources that the kubelet counts, and how the labels of GPU feature
 * discovery (GFD) tell us to read them. One unit of `nvidia.com/gpu` is one GPU only on a plain node; under MIG,
 * MPS or time-slicing it is a slice, and how many slices a GPU makes is not to be had reliably from any label
 * (shared facts, Kubernetes 2.5).
 */
import type { NodeSnapshot } from "../node.ts";
import { wholeUnits } from "../quantity.ts";
import { plannedGpuWork } from "./gpu-planned-work.ts";

/** One resource of a GPU device plugin, in whole units. */
export interface GpuResource {
  readonly name: string;
  readonly capacity: number;
  readonly allocatable: number;
}

/** How the units are to be read. */
export interface GpuView {
  /** The resources, without those of a layout that is gone. */
  readonly resources: readonly GpuResource[];
  /** Every quantity was one. A number nobody can read says nothing about GPUs, so it is no reason to reboot. */
  readonly readable: boolean;
  /** One unit is one GPU: no sign of MIG, MPS or time-slicing. */
  readonly plain: boolean;
  readonly capacity: number;
  readonly allocatable: number;
  /** GFD sees GPUs, all in MIG mode and none with an instance: there is nothing to allocate, and nothing is lost. */
  readonly undivided: boolean;
  /** GFD's count of the GPUs it sees now, where the label is a plain number. */
  readonly labelled: number | undefined;
}

/** GFD's count of one MIG profile, e.g. `nvidia.com/mig-1g.5gb.count` or `nvidia.com/mig-1g.10gb.me.count`. */
export const MIG_COUNT_LABEL = /^nvidia\.com\/mig-[0-9]{1,2}g\.[0-9]{1,4}gb(?:\.[a-z0-9-]{1,16})*\.count$/;

const WHOLE = "nvidia.com/gpu";
const SHARED = "nvidia.com/gpu.shared";
const GPU_RESOURCE = /^nvidia\.com\/(?:gpu|mig-[0-9]+g\.[0-9]+gb(?:\.[a-z0-9-]+)*?)(?:\.shared)?$/;

/** Reads the GPUs of a node. */
export function gpuViewOf(node: NodeSnapshot): GpuView {
  const named = namedResources(node);
  const all = named.flatMap((name) => resourceOf(node, name) ?? []);
  const resources = all.filter((resource) => !isRetired(resource, all, node));
  const labelled = numberLabel(node, "nvidia.com/gpu.count");
  const allInMigMode =
    node.labels["nvidia.com/mig.strategy"] === "mixed" && numberLabel(node, "nvidia.com/gpu.replicas") === 0;
  return {
    resources,
    readable: all.length === named.length,
    plain: isPlain(resources, node),
    undivided: allInMigMode && (labelled ?? 0) > 0 && migProfilesOf(node).length === 0,
    labelled,
    capacity: sumOf(resources, "capacity"),
    allocatable: sumOf(resources, "allocatable"),
  };
}

/** The node shows a GPU: by a resource (a key that reads "0" is what a lost plugin leaves behind) or by a label. */
export function isGpuNode(node: NodeSnapshot): boolean {
  const { labels } = node;
  return (
    namedResources(node).length > 0 ||
    (numberLabel(node, "nvidia.com/gpu.count") ?? 0) > 0 ||
    labels["nvidia.com/gpu.present"] === "true" ||
    ![undefined, ""].includes(labels["nvidia.com/gpu.product"]) ||
    ![undefined, "", "false"].includes(labels["civo.com/gpu-node"]) ||
    migProfilesOf(node).length > 0
  );
}

/**
 * How many whole GPUs this snapshot proves, for the history to keep the highest. Slices are not counted as GPUs: the
 * 80 units of a time-sliced node would later fail the same node, healthy, with its 8 GPUs. Any slice proves one GPU.
 * Units beyond GFD's count are slices of a layout that GFD has not labelled yet.
 */
export function provenGpus(node: NodeSnapshot): number {
  const view = gpuViewOf(node);
  if (view.capacity === 0) return 0;
  if (!view.plain || plannedGpuWork(node) !== undefined) return 1;
  return view.labelled === undefined ? view.capacity : Math.max(1, Math.min(view.capacity, view.labelled));
}

function namedResources(node: NodeSnapshot): string[] {
  const names = new Set([...Object.keys(node.capacity), ...Object.keys(node.allocatable)]);
  return [...names].filter((name) => GPU_RESOURCE.test(name));
}

function resourceOf(node: NodeSnapshot, name: string): GpuResource | undefined {
  const allocatable = wholeUnits(node.allocatable[name] ?? "0");
  const capacity = wholeUnits(node.capacity[name] ?? node.allocatable[name] ?? "0");
  return capacity === undefined || allocatable === undefined ? undefined : { name, capacity, allocatable };
}

/**
 * The resource belongs to the layout before the present one. When a plugin stops offering a resource, the kubelet
 * drops its allocatable to 0 at once and keeps its capacity for 5 minutes: a healthy node that was just divided
 * anew. Told from a loss by GFD, which no longer sees such devices, while other devices of the node are usable.
 */
function isRetired(resource: GpuResource, all: readonly GpuResource[], node: NodeSnapshot): boolean {
  if (resource.allocatable > 0 || sumOf(all, "allocatable") === 0) return false;
  if (resource.name === WHOLE) return hasNoWholeGpu(all, node);
  const profile = resource.name.replace(/\.shared$/, "");
  if (profile === WHOLE) return node.labels["nvidia.com/gpu.sharing-strategy"] === "none";
  return isLabelled(node) && !migProfilesOf(node).includes(profile);
}

/** GFD says that every GPU is divided: all by MIG (no replicas of a whole GPU), or all shared under the other name. */
function hasNoWholeGpu(all: readonly GpuResource[], node: NodeSnapshot): boolean {
  if (numberLabel(node, "nvidia.com/gpu.replicas") === 0) return migProfilesOf(node).length > 0;
  const count = numberLabel(node, "nvidia.com/gpu.count");
  const replicas = numberLabel(node, "nvidia.com/gpu.replicas") ?? 1;
  const shared = all.find(({ name }) => name === SHARED)?.allocatable ?? 0;
  return count !== undefined && shared > 0 && shared >= count * replicas;
}

function isPlain(resources: readonly GpuResource[], node: NodeSnapshot): boolean {
  const { labels } = node;
  const strategy = labels["nvidia.com/gpu.sharing-strategy"] ?? "none";
  const product = labels["nvidia.com/gpu.product"] ?? "";
  return (
    resources.every(({ name, capacity }) => name === WHOLE || capacity === 0) &&
    strategy === "none" &&
    migProfilesOf(node).length === 0 &&
    Number(labels["nvidia.com/gpu.replicas"] ?? "1") <= 1 &&
    !/-(?:MIG|SHARED)(?:-|$)/.test(product)
  );
}

/** GFD describes this node now. */
function isLabelled(node: NodeSnapshot): boolean {
  return numberLabel(node, "nvidia.com/gpu.count") !== undefined || migProfilesOf(node).length > 0;
}

/** The MIG profiles of which GFD sees at least one instance, as resource names. */
function migProfilesOf(node: NodeSnapshot): string[] {
  return Object.keys(node.labels)
    .filter((label) => MIG_COUNT_LABEL.test(label) && (numberLabel(node, label) ?? 0) > 0)
    .map((label) => label.replace(/\.count$/, ""));
}

function numberLabel(node: NodeSnapshot, label: string): number | undefined {
  const value = node.labels[label];
  return value !== undefined && /^\d{1,6}$/.test(value) ? Number(value) : undefined;
}

function sumOf(resources: readonly GpuResource[], key: "capacity" | "allocatable"): number {
  return resources.reduce((sum, resource) => sum + resource[key], 0);
}
