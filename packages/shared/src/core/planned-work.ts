/**
 * Planned work of other controllers on a node, by the marks that they leave on it. One table, used for every checker:
 * while such work is in progress the node may go down and come up, and GPUs may come and go, on purpose.
 *
 * Sources of the marks: mig-parted (`mig.config.state`, the pausing of `gpu.deploy.*`), NVIDIA's k8s-operator-libs
 * `pkg/upgrade/consts.go` (`nvidia.com/%s-driver-upgrade-state` for gpu and ofed), k8s-driver-manager
 * (`paused-for-driver-upgrade`), ROCm/gpu-operator `internal/controllers/upgrademgr.go`, and
 * openshift/machine-config-operator `pkg/daemon/constants/constants.go`.
 */
import type { NodeSnapshot } from "./node.ts";

/**
 * What a value of a mark says. `InProgress`: the controller works on the node. `Unknown`: a value that this version does
 * not know, which counts as work in progress. `Waits`: work is wanted, and nothing is done to the node yet; it may stay
 * so for weeks. `Failed`: the controller gave up and left the node as it was then. `Over`: no work.
 */
export type WorkState = "InProgress" | "Unknown" | "Waits" | "Failed" | "Over";

/** The reasons of the GPU checker for work that takes GPUs away. */
export interface GpuWorkReasons {
  readonly inProgress: "DriverUpgrade" | "MIGReconfiguration";
  readonly failed: "DriverUpgradeFailed" | "MIGReconfigurationFailed";
}

/** A label, annotation or taint by which a controller tells of its work. */
export interface PlannedWorkMark {
  readonly key: string;
  readonly at: "label" | "annotation" | "taint";
  /** What is done, as in "... is in progress". */
  readonly what: string;
  /** Whom to ask when it does not end. */
  readonly owner: string;
  readonly values: Readonly<Record<string, WorkState>>;
  /** Values of this shape that are not listed are `Unknown`; others are `Over`. */
  readonly unknown: RegExp;
  /** The work takes the GPUs of the node away; absent: it does not. */
  readonly gpus?: GpuWorkReasons;
}

const ANY = /^/u;
const NVIDIA_DRIVER_UPGRADE = {
  "upgrade-required": "Waits",
  "cordon-required": "InProgress",
  "wait-for-jobs-required": "InProgress",
  "pod-deletion-required": "InProgress",
  "drain-required": "InProgress",
  "node-maintenance-required": "InProgress",
  "post-maintenance-required": "InProgress",
  "pod-restart-required": "InProgress",
  "validation-required": "InProgress",
  "uncordon-required": "InProgress",
  "upgrade-done": "Over",
  "upgrade-failed": "Failed",
} as const;
const GPU_DRIVER: GpuWorkReasons = { inProgress: "DriverUpgrade", failed: "DriverUpgradeFailed" };
const MIG: GpuWorkReasons = { inProgress: "MIGReconfiguration", failed: "MIGReconfigurationFailed" };

/** Every mark of planned work that is read. */
export const PLANNED_WORK_MARKS: readonly PlannedWorkMark[] = [
  {
    key: "nvidia.com/gpu-driver-upgrade-state",
    at: "label",
    what: "the GPU driver upgrade",
    owner: "the NVIDIA GPU operator",
    values: NVIDIA_DRIVER_UPGRADE,
    unknown: ANY,
    gpus: GPU_DRIVER,
  },
  {
    key: "nvidia.com/mig.config.state",
    at: "label",
    what: "the MIG reconfiguration",
    owner: "the NVIDIA MIG manager",
    values: { pending: "InProgress", rebooting: "InProgress", success: "Over", failed: "Failed" },
    unknown: ANY,
    gpus: MIG,
  },
  {
    // "true" and "false" are how the operator deploys the plugin; only a pause is work.
    key: "nvidia.com/gpu.deploy.device-plugin",
    at: "label",
    what: "the pause of the GPU device plugin",
    owner: "the NVIDIA MIG manager or driver manager",
    values: {
      "paused-for-driver-upgrade": "InProgress",
      "paused-for-mig-change": "InProgress",
      "paused-for-vgpu-change": "InProgress",
    },
    unknown: /^paused-/u,
    gpus: GPU_DRIVER,
  },
  {
    key: "nvidia.com/ofed-driver-upgrade-state",
    at: "label",
    what: "the network driver upgrade",
    owner: "the NVIDIA network operator",
    values: NVIDIA_DRIVER_UPGRADE,
    unknown: ANY,
  },
  {
    key: "operator.amd.com/gpu-driver-upgrade-state",
    at: "label",
    what: "the AMD GPU driver upgrade",
    owner: "the AMD GPU operator",
    values: { "upgrade-required": "Waits" },
    unknown: ANY,
  },
  {
    key: "amd-gpu-driver-upgrade",
    at: "taint",
    what: "the AMD GPU driver upgrade",
    owner: "the AMD GPU operator",
    values: { true: "InProgress" },
    unknown: ANY,
  },
  {
    key: "machineconfiguration.openshift.io/state",
    at: "annotation",
    what: "the update of the machine configuration",
    owner: "the OpenShift machine config operator",
    values: {
      Done: "Over",
      Working: "InProgress",
      Rebooting: "InProgress",
      Degraded: "Failed",
      Unreconcilable: "Failed",
    },
    unknown: ANY,
  },
];

/** The planned-work mark of a key, or undefined. */
export function plannedWorkMark(key: string): PlannedWorkMark | undefined {
  return PLANNED_WORK_MARKS.find((mark) => mark.key === key);
}

/** What a value of a mark says; undefined: the node does not carry it. */
export function workState(mark: PlannedWorkMark, value: string | undefined): WorkState {
  if (value === undefined || value === "") return "Over";
  if (Object.hasOwn(mark.values, value)) return mark.values[value] ?? "Unknown";
  return mark.unknown.test(value) ? "Unknown" : "Over";
}

/** The controller works on the node, as far as its mark tells. */
export function isWork(state: WorkState): boolean {
  return state === "InProgress" || state === "Unknown";
}

/** The value of a mark on a node; undefined: it does not carry the mark. A taint without a value reads "true". */
export function workValue(
  { key, at }: PlannedWorkMark,
  { labels, annotations, taints }: Pick<NodeSnapshot, "labels" | "annotations" | "taints">,
): string | undefined {
  if (at === "label") return labels[key];
  if (at === "annotation") return annotations[key];
  const taint = taints.find((one) => one.key === key);
  if (taint === undefined) return undefined;
  return taint.value === undefined || taint.value === "" ? "true" : taint.value;
}

/** The GPU checker's reasons for the work that a value tells of: the device plugin is paused for either kind. */
export function gpuReasons(mark: PlannedWorkMark, value: string): GpuWorkReasons | undefined {
  return value === "paused-for-mig-change" ? MIG : mark.gpus;
}
