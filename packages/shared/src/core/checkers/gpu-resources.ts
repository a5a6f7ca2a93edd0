/**
 * What a snapshot says of its GPUs: the resources that the kubelet counts, and how the labels of GPU feature
 * discovery (GFD) tell us to read them. One unit of `nvidia.com/gpu` is one GPU only on a plain node; under MIG,
 * MPS or time-slicing it is a slice, and how many slices a GPU makes is not to be had reliably from any label
 * (shared facts, Kubernetes 2.5). Without labels nothing tells the layout: GFD is off by default in the chart of the
 * device plugin.
 */
import type { GpuMemory } from "../check.ts";
import type { NodeSnapshot } from "../node.ts";
import { wholeUnits } from "../quantity.ts";

/** One resource of a GPU device plugin, in whole units. */
export interface GpuResource {
  readonly name: string;
  readonly capacity: number;
  readonly allocatable: number;
}

/**
 * How units are to be read. `Plain`: labels prove that one unit is one GPU. `Sliced`: a label or the name of a resource
 * says MIG, MPS or time-slicing. `Untold`: nothing tells.
 */
export type GpuLayout = "Plain" | "Sliced" | "Untold";

/** The GPUs of a node. */
export interface GpuView {
  /** The resources, without those of a layout that is gone. */
  readonly resources: readonly GpuResource[];
  /** Every quantity was one. A number that cannot be read says nothing about GPUs, so it is no reason to reboot. */
  readonly readable: boolean;
  readonly layout: GpuLayout;
  readonly capacity: number;
  readonly allocatable: number;
  /** Units under names that may be a GPU class of the device plugin's `resources` setting: they can excuse, never accuse. */
  readonly renamed: number;
  /** GFD sees GPUs, all in MIG mode and none with an instance: there is nothing to allocate, and nothing is lost. */
  readonly undivided: boolean;
  /** GFD's count of the GPUs it sees now, where the label is a plain number. */
  readonly labelled: number | undefined;
}

/** GFD's count of one MIG profile, e.g. `nvidia.com/mig-1g.5gb.count` or `nvidia.com/mig-1g.10gb.me.count`. */
export const MIG_COUNT_LABEL = /^nvidia\.com\/mig-[0-9]{1,2}g\.[0-9]{1,4}gb(?:\.[a-z0-9-]{1,16})*\.count$/;

const WHOLE = "nvidia.com/gpu";
const SHARED = "nvidia.com/gpu.shared";
const SLICES = /^nvidia\.com\/(?:gpu\.shared$|mig-|.*\.shared$)/;
/** `nvidia.com/gpu`, a class of it (`nvidia.com/gpu-h100`), a MIG profile, and each of them shared. */
const GPU_RESOURCE =
  /^nvidia\.com\/(?:gpu(?:[-_.][A-Za-z0-9_.-]*[A-Za-z0-9])?|mig-[0-9]+g\.[0-9]+gb(?:\.[a-z0-9-]+)*?(?:\.shared)?)$/;
/** Other devices under the same domain, e.g. those of the network operator. */
const NO_GPU = /hostdev|rdma|roce|sriov|mlnx|nic|eth|nvlink|nvswitch|imex|(?:^|[/_.-])(?:ib|vf|pf)/iu;

/** Reads the GPUs of a node. */
export function gpuViewOf(node: NodeSnapshot, memory?: GpuMemory): GpuView {
  const named = namesOf(node).filter((name) => GPU_RESOURCE.test(name));
  const all = named.flatMap((name) => resourceOf(node, name) ?? []);
  const resources = all.filter((resource) => !isRetired(resource, all, node));
  const labelled = numberLabel(node, "nvidia.com/gpu.count");
  const allInMigMode =
    node.labels["nvidia.com/mig.strategy"] === "mixed" && numberLabel(node, "nvidia.com/gpu.replicas") === 0;
  const strangers = memory?.strangers ?? [];
  const renamed = otherDevices(node).filter((name) => !strangers.includes(name));
  return {
    resources,
    readable: all.length === named.length,
    layout: layoutOf(resources, node),
    undivided: allInMigMode && (labelled ?? 0) > 0 && migProfilesOf(node).length === 0,
    labelled,
    capacity: sumOf(resources, "capacity"),
    allocatable: sumOf(resources, "allocatable"),
    renamed: sumOf(
      renamed.flatMap((name) => resourceOf(node, name) ?? []),
      "allocatable",
    ),
  };
}

/** The node shows a GPU: by a resource (a key that reads "0" is what a lost plugin leaves behind) or by a label. */
export function isGpuNode(node: NodeSnapshot): boolean {
  const { labels } = node;
  return (
    namesOf(node).some((name) => GPU_RESOURCE.test(name)) ||
    (numberLabel(node, "nvidia.com/gpu.count") ?? 0) > 0 ||
    labels["nvidia.com/gpu.present"] === "true" ||
    ![undefined, ""].includes(labels["nvidia.com/gpu.product"]) ||
    ![undefined, "", "false"].includes(labels["civo.com/gpu-node"]) ||
    migProfilesOf(node).length > 0
  );
}

/** Devices under NVIDIA's domain that are no GPU resource by their name, and not known to be something else. */
export function otherDevices(node: NodeSnapshot): string[] {
  return namesOf(node).filter((name) => !GPU_RESOURCE.test(name) && !NO_GPU.test(name));
}

function namesOf(node: NodeSnapshot): string[] {
  return [...new Set([...Object.keys(node.capacity), ...Object.keys(node.allocatable)])];
}

function resourceOf(node: NodeSnapshot, name: string): GpuResource | undefined {
  const allocatable = wholeUnits(node.allocatable[name] ?? "0");
  const capacity = wholeUnits(node.capacity[name] ?? node.allocatable[name] ?? "0");
  return capacity === undefined || allocatable === undefined ? undefined : { name, capacity, allocatable };
}

/**
 * The resource belongs to the layout before the present one. When a plugin stops offering a resource, the kubelet
 * drops its allocatable to 0 at once and keeps its capacity for 5 minutes: a healthy node that was just divided
 * differently. While other devices of the node are usable, only GFD can prove a loss: it still sees such devices.
 */
function isRetired(resource: GpuResource, all: readonly GpuResource[], node: NodeSnapshot): boolean {
  if (resource.allocatable > 0 || sumOf(all, "allocatable") === 0) return false;
  if (!isLabelled(node)) return true;
  if (resource.name === WHOLE) return hasNoWholeGpu(all, node);
  const profile = resource.name.replace(/\.shared$/, "");
  if (profile === WHOLE) return node.labels["nvidia.com/gpu.sharing-strategy"] === "none";
  return !profile.startsWith("nvidia.com/mig-") || !migProfilesOf(node).includes(profile);
}

/** GFD says that every GPU is divided: all by MIG (no replicas of a whole GPU), or all shared under the other name. */
function hasNoWholeGpu(all: readonly GpuResource[], node: NodeSnapshot): boolean {
  if (numberLabel(node, "nvidia.com/gpu.replicas") === 0) return migProfilesOf(node).length > 0;
  const count = numberLabel(node, "nvidia.com/gpu.count");
  const replicas = numberLabel(node, "nvidia.com/gpu.replicas") ?? 1;
  const others = all.filter(({ name }) => name !== WHOLE && !name.startsWith("nvidia.com/mig-"));
  const needed = others.some(({ name }) => name === SHARED) ? (count ?? 0) * replicas : (count ?? 0);
  const offered = sumOf(others, "allocatable");
  return count !== undefined && offered > 0 && offered >= needed;
}

function layoutOf(resources: readonly GpuResource[], node: NodeSnapshot): GpuLayout {
  const { labels } = node;
  const strategy = labels["nvidia.com/gpu.sharing-strategy"] ?? "none";
  const product = labels["nvidia.com/gpu.product"] ?? "";
  const replicas = numberLabel(node, "nvidia.com/gpu.replicas");
  const sliced =
    resources.some(({ name, capacity }) => SLICES.test(name) && capacity > 0) ||
    strategy !== "none" ||
    migProfilesOf(node).length > 0 ||
    (replicas ?? 1) > 1 ||
    /-(?:MIG|SHARED)(?:-|$)/.test(product);
  if (sliced) return "Sliced";
  const told = replicas !== undefined || labels["nvidia.com/gpu.sharing-strategy"] !== undefined;
  return told && numberLabel(node, "nvidia.com/gpu.count") !== undefined ? "Plain" : "Untold";
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

/** The units of several resources, in all. */
export function sumOf(resources: readonly GpuResource[], key: "capacity" | "allocatable"): number {
  return resources.reduce((sum, resource) => sum + resource[key], 0);
}
