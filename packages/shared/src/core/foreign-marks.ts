/**
 * Marks by which others claim a node: where they stand, whom they belong to, what they mean, which values count and how
 * long they count.
 *
 * Sources: cluster-autoscaler `utils/taints/taints.go` (the value of both taints is the Unix time in seconds, and only
 * "true" disables a scale-down), karpenter `pkg/apis/v1/taints.go` and its documentation of `do-not-disrupt`, kured
 * `cmd/kured/main.go` (the annotation holds the start in RFC 3339), NVSentinel `commons/pkg/statemanager`,
 * medik8s/node-maintenance-operator `controllers/taint.go`, and the Kubernetes documentation of `out-of-service`.
 *
 * Left out on purpose (docs/decisions/0018): `cluster.x-k8s.io/machine` and `cluster-name`, which every node of Cluster
 * API carries for its whole life whether or not a MachineHealthCheck repairs it; and `node.kubernetes.io/exclude-disruption`,
 * which only keeps a node out of the zone statistics of the node controller.
 */
import type { NodeSnapshot } from "./node.ts";
import { HOUR, SECOND, type EpochMillis, type Millis } from "./time.ts";

/**
 * What a mark means. `owns`: its owner drains, removes, reboots or repairs the node, so every step of ours waits.
 * `protects`: the node must not be disrupted, so a step on a node whose kubelet works waits; the reboot of a node that is
 * NotReady disturbs nothing that still runs.
 */
export type MarkMeaning = "owns" | "protects";

/** Where a mark stands. `field`: a field of the Node object itself. */
type MarkPlace = "taint" | "annotation" | "label" | "field";

/** One mark. */
export interface ForeignMark {
  readonly key: string;
  readonly at: readonly MarkPlace[];
  /** Whom to ask. */
  readonly owner: string;
  /** What the owner does with the node, as in "the cluster autoscaler removes it". */
  readonly does: string;
  readonly meaning: MarkMeaning;
  /** Values that are known to set it; others set it as well, and are named. Absent: the mark needs no value. */
  readonly known?: RegExp;
  /** The value is the instant at which it was set. */
  readonly setAt?: "UnixSeconds" | "RFC3339";
  /** Older than this it counts no more; absent: it counts until it is taken off. */
  readonly staleAfter?: Millis;
  /** It stands for as long as the node does, so its age tells nothing. */
  readonly permanent?: true;
}

/** The key under which the deletion of a Node object is remembered. */
export const DELETION_MARK = "metadata.deletionTimestamp";
/** The key under which a cordon is remembered. */
export const CORDON_MARK = "spec.unschedulable";

/** Every mark, in the order of asking; marks that own a node come before those that protect it. */
export const FOREIGN_MARKS: readonly ForeignMark[] = [
  {
    key: DELETION_MARK,
    at: ["field"],
    owner: "who deleted the Node object, and the owners of its finalizers",
    does: "the Node object is being deleted",
    meaning: "owns",
    setAt: "RFC3339",
  },
  {
    key: "ToBeDeletedByClusterAutoscaler",
    at: ["taint"],
    owner: "the cluster autoscaler",
    does: "the cluster autoscaler removes it",
    meaning: "owns",
    setAt: "UnixSeconds",
  },
  {
    // kubernetes/autoscaler#7964: the taint may stay on a node that is never removed.
    key: "DeletionCandidateOfClusterAutoscaler",
    at: ["taint"],
    owner: "the cluster autoscaler",
    does: "the cluster autoscaler may remove it soon",
    meaning: "owns",
    setAt: "UnixSeconds",
    staleAfter: HOUR,
  },
  ...["karpenter.sh/disrupted", "karpenter.sh/disruption"].map((key): ForeignMark => ({
    key,
    at: ["taint"],
    owner: "Karpenter",
    does: "Karpenter replaces it",
    meaning: "owns",
  })),
  {
    key: "weave.works/kured-reboot-in-progress",
    at: ["annotation"],
    owner: "kured",
    does: "kured reboots it",
    meaning: "owns",
    known: /^\d{4}-\d{2}-\d{2}T/u,
    setAt: "RFC3339",
  },
  {
    key: "dgxc.nvidia.com/nvsentinel-state",
    at: ["label"],
    owner: "NVSentinel",
    does: "NVSentinel repairs it",
    meaning: "owns",
    known:
      /^(?:quarantined|draining|drain-succeeded|drain-failed|remediating|remediation-succeeded|remediation-failed)$/u,
  },
  ...["medik8s.io/drain", "kubevirt.io/drain"].map((key): ForeignMark => ({
    key,
    at: ["taint"],
    owner: "the node maintenance operator",
    does: "the node maintenance operator drains it",
    meaning: "owns",
  })),
  {
    key: "medik8s.io/remediation",
    at: ["taint"],
    owner: "medik8s",
    does: "medik8s repairs it",
    meaning: "owns",
  },
  {
    key: "node.kubernetes.io/out-of-service",
    at: ["taint"],
    owner: "the person who shut it down",
    does: "its pods and volumes were given up",
    meaning: "owns",
  },
  {
    key: "virtual-kubelet.io/provider",
    at: ["taint"],
    owner: "virtual-kubelet",
    does: "no machine is behind it",
    meaning: "owns",
    permanent: true,
  },
  {
    key: "kwok.x-k8s.io/node",
    at: ["taint", "annotation"],
    owner: "KWOK",
    does: "no machine is behind it",
    meaning: "owns",
    permanent: true,
  },
  {
    key: CORDON_MARK,
    at: ["field"],
    owner: "the person or controller that cordoned it",
    does: "it is cordoned",
    meaning: "owns",
  },
  {
    key: "cluster-autoscaler.kubernetes.io/scale-down-disabled",
    at: ["annotation"],
    owner: "the person who set it",
    does: "the cluster autoscaler must not remove it",
    meaning: "protects",
    known: /^true$/iu,
  },
  {
    key: "karpenter.sh/do-not-disrupt",
    at: ["annotation"],
    owner: "the person who set it",
    does: "Karpenter must not disrupt it",
    meaning: "protects",
    known: /^true$/iu,
  },
];

/** Keys of the marks that stand in one place, in their order. */
export function foreignKeys(place: MarkPlace): string[] {
  return FOREIGN_MARKS.filter(({ at }) => at.includes(place)).map(({ key }) => key);
}

/** The value of a mark on a node, empty where it has none; undefined: the node does not carry it. */
export function foreignValue({ key, at }: ForeignMark, node: NodeSnapshot): string | undefined {
  if (key === DELETION_MARK) {
    return node.deletionAt === undefined ? undefined : new Date(node.deletionAt).toISOString();
  }
  if (key === CORDON_MARK) return node.unschedulable ? "true" : undefined;
  const taint = at.includes("taint") ? node.taints.find((one) => one.key === key) : undefined;
  if (taint !== undefined) return taint.value ?? "";
  const annotation = at.includes("annotation") ? node.annotations[key] : undefined;
  return annotation ?? (at.includes("label") ? node.labels[key] : undefined);
}

/**
 * The value sets the mark: every value does but "false", because a value that is not understood must hold and not let
 * pass. A taint is set by being there.
 */
export function isSet({ at }: ForeignMark, value: string): boolean {
  return at.includes("taint") || value.trim().toLowerCase() !== "false";
}

/** Clocks of clusters may be this far ahead of ours; a time beyond it is no time. */
const SKEW = 5 * 60 * SECOND;

/** When a mark was set, by its own value; undefined: it tells no time, or none that can be. */
export function setAt(
  { setAt: format }: ForeignMark,
  value: string,
  now: EpochMillis,
): EpochMillis | undefined {
  if (format === undefined) return undefined;
  const unix = /^\d{1,12}$/u.test(value) ? Number(value) * SECOND : Number.NaN;
  const at = format === "UnixSeconds" ? unix : Date.parse(value);
  return at > 0 && at <= now + SKEW ? Math.min(at, now) : undefined;
}
