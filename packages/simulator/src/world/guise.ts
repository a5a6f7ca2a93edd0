import type { EpochMillis } from "@node-agent/shared/core/time.ts";
import { kubeTime, recordOf } from "../kubernetes-api/kube-object.ts";
import type { Machine } from "./machine.ts";
import { conditionOf, withTaints, type NodeObject, type WireCondition } from "./node-object.ts";

/** What a machine's kubelet is made to report, whatever its state: the status of a Node object that a test was given. */
export interface Guise {
  readonly conditions: readonly WireCondition[];
  readonly capacity: Readonly<Record<string, string>>;
  readonly allocatable: Readonly<Record<string, string>>;
  /** Cilium's operator left its taint on the node. */
  readonly taints: ReadonlySet<string>;
  /** The node is to be repaired: for the oracle, a reboot of it is no mistake. */
  readonly sick: boolean;
}

/** The labels that tell which machine this is; a guise leaves them as they are. */
const IDENTITY_LABELS = [
  "kubernetes.io/hostname",
  "kubernetes.civo.com/civo-node-pool",
  "kubernetes.civo.com/node-pool",
  "topology.kubernetes.io/zone",
  "topology.kubernetes.io/region",
] as const;

/** The guise that a given Node object is. */
export function guiseOf(given: NodeObject, sick: boolean): Guise {
  const { conditions, capacity, allocatable } = given.status;
  const taints = new Set((given.spec.taints ?? []).map(({ key }) => key));
  return { conditions, capacity, allocatable, taints, sick };
}

/** The machine's Node with the labels, annotations, taints and cordon of a given one; its identity stays. */
export function dressed(node: NodeObject, given: NodeObject): NodeObject {
  const { deletionTimestamp: _deletionTimestamp, ...metadata } = node.metadata;
  const { unschedulable: _unschedulable, ...spec } = node.spec;
  const identity = IDENTITY_LABELS.flatMap((key) => {
    const value = node.metadata.labels?.[key];
    return value === undefined ? [] : [[key, value] as const];
  });
  const { deletionTimestamp } = given.metadata;
  const undressed = {
    ...node,
    metadata: {
      ...metadata,
      labels: { ...given.metadata.labels, ...Object.fromEntries(identity) },
      annotations: { ...given.metadata.annotations },
      ...(deletionTimestamp === undefined ? {} : { deletionTimestamp }),
    },
    spec: { ...spec, ...(given.spec.unschedulable === true ? { unschedulable: true } : {}) },
  };
  return withTaints(undressed, given.spec.taints ?? []);
}

/** What the kubelet of a machine in a guise posts: times are the machine's own, and move only with a status. */
export function postGuise(node: NodeObject, machine: Machine, guise: Guise, now: EpochMillis): NodeObject {
  const time = kubeTime(now);
  const conditions = guise.conditions.map((condition): WireCondition => {
    const before = conditionOf(node, condition.type);
    const since = before?.status === condition.status ? before.lastTransitionTime : undefined;
    return { ...condition, lastHeartbeatTime: time, lastTransitionTime: since ?? time };
  });
  const nodeInfo = { ...recordOf(node.status["nodeInfo"]), bootID: machine.bootId };
  const { capacity, allocatable } = guise;
  return { ...node, status: { ...node.status, conditions, capacity, allocatable, nodeInfo } };
}
