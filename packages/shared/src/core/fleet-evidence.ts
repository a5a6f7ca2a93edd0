/** What the snapshot of a node shows of its network and of other owners: evidence that people read, no rule acts on it. */
import { CHECKER_NAMES } from "./check.ts";
import { conditionOf } from "./checkers/conditions.ts";
import type { NodeSnapshot } from "./node.ts";
import type { WorkState } from "./planned-work.ts";
import type { NodeRecord } from "./record.ts";
import type { EpochMillis } from "./time.ts";
import { workOn, type PlannedWorkPolicy } from "./work-on-node.ts";

/** One sign on a node, and what it is a sign of. */
export interface Evidence {
  /** The network, the owner or the work: `Cilium`, `Cluster Autoscaler`, `the MIG reconfiguration`. */
  readonly of: string;
  /** Where it was seen: `NetworkUnavailable/FlannelIsUp`, `taint karpenter.sh/disrupted`. */
  readonly seen: string;
}

/** `CalicoIsDown` is as good a sign of Calico as `CalicoIsUp`; each CNI puts its own name in front. */
const CNI_REASON = /^(?<name>[A-Z][A-Za-z0-9]*)Is(?:Up|Down)$/u;
const ROUTES: ReadonlySet<string> = new Set(["RouteCreated", "NoRouteCreated"]);

/** The networks that a node shows: by the reason of NetworkUnavailable, and by a taint of Cilium under its key or another. */
export function networksOf(node: NodeSnapshot, ciliumTaint: string): Evidence[] {
  const reason = conditionOf(node, "NetworkUnavailable")?.reason ?? "";
  const seen = `NetworkUnavailable/${reason}`;
  const name = CNI_REASON.exec(reason)?.groups?.["name"];
  const taint = node.taints.find(({ key }) => key === ciliumTaint || /cilium/iu.test(key));
  return [
    ...(name === undefined ? [] : [{ of: name, seen }]),
    ...(ROUTES.has(reason) ? [{ of: "routes of the cloud", seen }] : []),
    ...(taint === undefined ? [] : [{ of: "Cilium", seen: `taint ${taint.key}` }]),
  ];
}

/** The planned work of others that a node shows, with how far it is. */
export function worksOf(
  node: NodeSnapshot,
  record: NodeRecord | undefined,
  policy: PlannedWorkPolicy,
  now: EpochMillis,
): Evidence[] {
  return workOn(node, record?.marks, policy, now).map(({ mark, value, state, stuck }) => ({
    of: mark.what,
    seen: `${mark.at} ${mark.key}=${value}: ${stuck ? "stuck" : STATES[state]}`,
  }));
}

/** The checkers that flap on a node, as its record knows. Without a record nothing is known of flaps. */
export function flapsOf(record: NodeRecord | undefined): Evidence[] {
  return CHECKER_NAMES.flatMap((checker) =>
    record?.flaps?.[checker]?.flappingSince === undefined ? [] : [{ of: checker, seen: record.name }],
  );
}

const STATES: Readonly<Record<WorkState, string>> = {
  InProgress: "in progress",
  Unknown: "in progress, by a value not known",
  Waits: "waits, holds nothing",
  Failed: "failed, holds nothing",
  Over: "over",
};

/** Who writes the marks that begin so. A label of Karpenter is on each of its nodes, the other marks come and go. */
const OWNERS: readonly (readonly [prefix: string, owner: string])[] = [
  ["ToBeDeletedByClusterAutoscaler", "Cluster Autoscaler"],
  ["DeletionCandidateOfClusterAutoscaler", "Cluster Autoscaler"],
  ["cluster-autoscaler.kubernetes.io/", "Cluster Autoscaler"],
  ["karpenter.sh/", "Karpenter"],
  ["cluster.x-k8s.io/", "Cluster API"],
  ["weave.works/kured", "kured"],
  ["kubevirt.io/", "KubeVirt"],
  ["medik8s.io/", "Medik8s"],
  ["remediation.medik8s.io/", "Medik8s"],
  ["node.kubernetes.io/out-of-service", "out-of-service taint"],
  ["node.kubernetes.io/exclude-disruption", "exclude-disruption label"],
  ["virtual-kubelet.io/", "Virtual Kubelet"],
  ["kwok.x-k8s.io/", "kwok"],
  ["dgxc.nvidia.com/", "NVSentinel"],
];

/** Whose mark this is, by the key of a taint, an annotation or a label; undefined when the key is nobody's we know. */
export function ownerOf(key: string): string | undefined {
  return OWNERS.find(([prefix]) => key.startsWith(prefix))?.[1];
}

/** The other owners that a node shows, a sign per mark; a cordon and a deletion count as marks. */
export function ownersOf(node: NodeSnapshot): Evidence[] {
  const marks: (readonly [kind: string, key: string])[] = [
    ...node.taints.map(({ key }) => ["taint", key] as const),
    ...Object.keys(node.annotations).map((key) => ["annotation", key] as const),
    ...Object.keys(node.labels).map((key) => ["label", key] as const),
  ];
  const owned = marks.flatMap(([kind, key]) => {
    const owner = ownerOf(key);
    return owner === undefined ? [] : [{ of: owner, seen: `${kind} ${key}` }];
  });
  return [
    ...owned,
    ...(node.unschedulable ? [{ of: "cordon", seen: "spec.unschedulable" }] : []),
    ...(node.deletionAt === undefined ? [] : [{ of: "deletion", seen: "metadata.deletionTimestamp" }]),
  ];
}
