import { defined } from "./defined.ts";
import type { EpochMillis } from "./time.ts";

/** The three values a Kubernetes condition may have; anything else is read as `Unknown`. */
export type ConditionStatus = "True" | "False" | "Unknown";

/** One entry of `status.conditions`. Heartbeat times are left out on purpose: they change without meaning. */
export interface NodeCondition {
  readonly type: string;
  readonly status: ConditionStatus;
  readonly reason?: string;
  readonly lastTransitionAt?: EpochMillis;
}

/** One entry of `spec.taints`; `timeAdded` may be absent (the cloud's shutdown taint carries none). */
export interface NodeTaint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
}

/**
 * What we keep of a Kubernetes Node: an allow-list of at most 4 KB of JSON, free of heartbeats, so that two
 * snapshots of an unchanged node are equal except for `resourceVersion`.
 */
export interface NodeSnapshot {
  readonly schema: 1;
  readonly name: string;
  /** Identity of the object: the same name with another uid is another machine. */
  readonly uid: string;
  /** Opaque but comparable by length, then text, within one cluster (KEP-5504). Never a Number. */
  readonly resourceVersion: string;
  readonly createdAt?: EpochMillis;
  readonly deletionAt?: EpochMillis;
  /** `spec.providerID`, as the cloud's controller wrote it, e.g. `civo://<instance id>`. */
  readonly providerId?: string;
  /** `status.nodeInfo.bootID`; absent on some Windows nodes. A change proves a reboot. */
  readonly bootId?: string;
  readonly kubeletVersion?: string;
  readonly operatingSystem?: string;
  readonly unschedulable: boolean;
  /** Only the labels that a rule reads. */
  readonly labels: Readonly<Record<string, string>>;
  /** Only our own annotations and those of owners that we respect. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly taints: readonly NodeTaint[];
  readonly conditions: readonly NodeCondition[];
  /** Only `nvidia.com/*` resources, as the quantities that the kubelet wrote (may read `1k`). */
  readonly capacity: Readonly<Record<string, string>>;
  readonly allocatable: Readonly<Record<string, string>>;
}

/** Both labels under which Civo names the pool of a node; the value is any string, not always a UUID. */
export const POOL_LABELS = ["kubernetes.civo.com/civo-node-pool", "kubernetes.civo.com/node-pool"] as const;

/** The pool a node belongs to, or undefined when it carries neither label. */
export function poolOf(node: Pick<NodeSnapshot, "labels">): string | undefined {
  for (const label of POOL_LABELS) {
    const value = node.labels[label];
    if (value !== undefined && value !== "") return value;
  }
  return undefined;
}

/** Where a node stands: what limits and breakers are counted by. */
export function placeOf(node: Pick<NodeSnapshot, "labels">): { pool?: string; zone?: string } {
  return defined({ pool: poolOf(node), zone: node.labels["topology.kubernetes.io/zone"] });
}
