import { CILIUM_TAINT } from "./checkers/cilium.ts";
import { CORDON_ANNOTATIONS, CORDON_LABELS } from "./cordon-owner.ts";
import { foreignKeys } from "./foreign-marks.ts";
import { PLANNED_WORK_MARKS } from "./planned-work.ts";
import { OPERATOR_DEPLOY_LABELS } from "./checkers/gpu-allocation.ts";

/**
 * The allow-list of a snapshot: which labels, annotations, taints and resources of a Node some rule reads. All else
 * is dropped at the watcher. Within a list the order is the order of importance: when a hostile object would burst
 * the 4 KB, the tail goes first, and markers that hold a reboot back come before everything they could be crowded
 * out by.
 */

/** Annotations under this prefix are ours (pause, opt-out); all of them are kept, up to a cap. */
export const ANNOTATION_PREFIX = "node-agent.civo.com/";

/** Keys of planned-work marks that stand in one place. */
const workKeys = (place: "label" | "annotation" | "taint"): string[] =>
  PLANNED_WORK_MARKS.filter(({ at }) => at === place).map(({ key }) => key);

/** Annotations of others that a rule reads; they are kept before ours. */
export const KEPT_ANNOTATIONS: readonly string[] = [
  ...foreignKeys("annotation"),
  ...workKeys("annotation"),
  ...CORDON_ANNOTATIONS,
];

/** Taints that are kept before any other. */
export const KEPT_TAINTS: readonly string[] = [
  ...foreignKeys("taint"),
  ...workKeys("taint"),
  CILIUM_TAINT,
  "node.kubernetes.io/not-ready",
  "node.kubernetes.io/unreachable",
  "node.kubernetes.io/unschedulable",
  "node.cloudprovider.kubernetes.io/shutdown",
  "node.cloudprovider.kubernetes.io/uninitialized",
];

/** Labels that mark a control plane under one of the names in use; the value is "" or "true". */
export const CONTROL_PLANE_LABELS = [
  "node-role.kubernetes.io/control-plane",
  "node-role.kubernetes.io/master",
  "node-role.kubernetes.io/controlplane",
  "node-role.kubernetes.io/etcd",
] as const;

/** Every label with a fixed name that is kept, most important first. */
export const KEPT_LABELS: readonly string[] = [
  "kubernetes.civo.com/civo-node-pool",
  "kubernetes.civo.com/node-pool",
  ...CONTROL_PLANE_LABELS,
  "type",
  "kwok.x-k8s.io/node",
  ...workKeys("label"),
  ...foreignKeys("label"),
  ...CORDON_LABELS,
  ...OPERATOR_DEPLOY_LABELS,
  "nvidia.com/gpu.workload.config",
  "nvidia.com/gpu.count",
  "nvidia.com/gpu.replicas",
  "nvidia.com/gpu.sharing-strategy",
  "nvidia.com/gpu.product",
  "nvidia.com/mig.strategy",
  "nvidia.com/mig.config",
  "nvidia.com/gpu.present",
  "civo.com/gpu-node",
  "topology.kubernetes.io/zone",
  "topology.kubernetes.io/region",
  "node.kubernetes.io/instance-type",
  "node.kubernetes.io/exclude-disruption",
  "node.kubernetes.io/exclude-from-external-load-balancers",
  "karpenter.sh/nodepool",
];

/** Any extended resource of NVIDIA's device plugins. */
export const NVIDIA_RESOURCE = /^nvidia\.com\/[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

/** One of our annotations: the prefix and a valid Kubernetes name. */
export const OWN_ANNOTATION = /^node-agent\.civo\.com\/[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;

/** The conditions that the kubelet, the node controller and the CNI write; they are kept before any other. */
export const KNOWN_CONDITIONS: readonly string[] = [
  "Ready",
  "DiskPressure",
  "NetworkUnavailable",
  "MemoryPressure",
  "PIDPressure",
];

/** Most bytes of a snapshot as JSON in UTF-8. */
export const SNAPSHOT_MAX_BYTES = 4096;

/** Most bytes of one group of entries, so that whoever may annotate a node cannot crowd out its pool or its GPUs. */
export const PART_BYTES = { knownTaints: 600, annotations: 600, labels: 1500 } as const;

/** Caps on the number of entries; the byte budget may cut further. */
export const CAPS = {
  taints: 32,
  conditions: 32,
  ownAnnotations: 16,
  migLabels: 16,
  draLabels: 4,
  resources: 24,
} as const;

/** Caps on the length of strings, in UTF-16 units; names, keys and label values follow the API server's own. */
export const LENGTHS = {
  name: 253,
  uid: 64,
  resourceVersion: 64,
  providerId: 253,
  bootId: 64,
  version: 64,
  labelValue: 63,
  annotationValue: 253,
  conditionType: 128,
  reason: 64,
  taintKey: 253,
  taintEffect: 32,
  quantity: 64,
} as const;
