import { fnv1a64 } from "../core/fnv1a.ts";
import type { NodeSnapshot } from "../core/node.ts";
import { toSnapshot } from "../core/snapshot.ts";
import { rawNode, type NodeDraft, type RawNode } from "./raw-node.ts";

const BORN_AT = Date.UTC(2026, 0, 1);

/** The conditions that the node controller sets to Unknown when the kubelet is silent. */
const KUBELET_CONDITIONS = ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"];

/** The id of the cloud instance behind the built node of this name: a UUID that depends on nothing else. */
export function instanceIdOf(name: string): string {
  const hash = fnv1a64(name);
  return `${hash.slice(0, 8)}-${hash.slice(8, 12)}-4000-8000-${hash.slice(4)}`;
}

/**
 * A healthy Civo node of pool `pool-1`, created on 1 January 2026, to be made otherwise: every method returns a new
 * builder, so a prefix can be shared between tests. Conditions change `since` the instant last named by `.since()`.
 */
export function aNode(name = "node-1"): NodeBuilder {
  const since = BORN_AT + 60_000;
  return new NodeBuilder(name, {
    uid: `uid-${name}`,
    resourceVersion: "1000",
    createdAt: BORN_AT,
    since,
    heartbeatAt: BORN_AT + 3_600_000,
    providerId: `civo://${instanceIdOf(name)}`,
    bootId: `boot-${name}-1`,
    kubeletVersion: "v1.32.5+k3s1",
    unschedulable: false,
    labels: {
      "kubernetes.io/hostname": name,
      "kubernetes.civo.com/civo-node-pool": "pool-1",
      "node.kubernetes.io/instance-type": "g4s.kube.medium",
      "topology.kubernetes.io/region": "LON1",
    },
    annotations: { "node.alpha.kubernetes.io/ttl": "0" },
    taints: [],
    resources: {},
    conditions: {
      Ready: { status: "True", reason: "KubeletReady", since },
      DiskPressure: { status: "False", reason: "KubeletHasNoDiskPressure", since },
      MemoryPressure: { status: "False", reason: "KubeletHasSufficientMemory", since },
      PIDPressure: { status: "False", reason: "KubeletHasSufficientPID", since },
      NetworkUnavailable: { status: "False", reason: "FlannelIsUp", since },
    },
  });
}

/** Builds Node objects for tests; see `aNode`. */
export class NodeBuilder {
  readonly #name: string;
  readonly #draft: NodeDraft;

  constructor(name: string, draft: NodeDraft) {
    this.#name = name;
    this.#draft = draft;
  }

  #with(change: Partial<NodeDraft>): NodeBuilder {
    return new NodeBuilder(this.#name, { ...this.#draft, ...change });
  }

  uid(uid: string): NodeBuilder {
    return this.#with({ uid });
  }

  resourceVersion(resourceVersion: string | number): NodeBuilder {
    return this.#with({ resourceVersion: String(resourceVersion) });
  }

  createdAt(createdAt: number): NodeBuilder {
    return this.#with({ createdAt });
  }

  deletedAt(deletedAt: number): NodeBuilder {
    return this.#with({ deletedAt });
  }

  /** The transition time of the conditions set after this call. */
  since(since: number): NodeBuilder {
    return this.#with({ since });
  }

  /** When the kubelet last posted: changes no snapshot. */
  heartbeatAt(heartbeatAt: number): NodeBuilder {
    return this.#with({ heartbeatAt });
  }

  /** `spec.providerID`; without argument the node has none. */
  providerId(providerId?: string): NodeBuilder {
    const { providerId: _, ...draft } = this.#draft;
    return new NodeBuilder(this.#name, providerId === undefined ? draft : { ...draft, providerId });
  }

  bootId(bootId: string): NodeBuilder {
    return this.#with({ bootId });
  }

  /** Both Ready=True and the pressure conditions as a healthy kubelet posts them. */
  ready(): NodeBuilder {
    return this.condition("Ready", "True", "KubeletReady")
      .condition("DiskPressure", "False", "KubeletHasNoDiskPressure")
      .condition("MemoryPressure", "False", "KubeletHasSufficientMemory")
      .condition("PIDPressure", "False", "KubeletHasSufficientPID");
  }

  /** The kubelet lives and says that it is not ready. */
  notReady(reason = "KubeletNotReady"): NodeBuilder {
    return this.condition("Ready", "False", reason);
  }

  /** The kubelet is silent: the node controller has set its four conditions to Unknown. */
  unknown(reason = "NodeStatusUnknown"): NodeBuilder {
    return KUBELET_CONDITIONS.reduce<NodeBuilder>(
      (node, type) => node.condition(type, "Unknown", reason),
      this,
    );
  }

  /** The kubelet has never posted: no conditions at all. */
  unregistered(): NodeBuilder {
    return this.#with({ conditions: {} });
  }

  diskPressure(): NodeBuilder {
    return this.condition("DiskPressure", "True", "KubeletHasDiskPressure");
  }

  /** Cilium is the CNI, up or with its agent down. */
  cilium(agent: "up" | "down" = "up"): NodeBuilder {
    const up = this.condition("NetworkUnavailable", "False", "CiliumIsUp");
    return agent === "up" ? up : up.taint("node.cilium.io/agent-not-ready", "NoSchedule");
  }

  condition(type: string, status: string, reason: string): NodeBuilder {
    const { conditions, since } = this.#draft;
    return this.#with({ conditions: { ...conditions, [type]: { status, reason, since } } });
  }

  withoutCondition(type: string): NodeBuilder {
    const { [type]: _, ...conditions } = this.#draft.conditions;
    return this.#with({ conditions });
  }

  /** A plain GPU node as GFD labels it: `count` GPUs, all allocatable unless said otherwise. */
  gpu(
    count: number,
    options: { readonly allocatable?: number; readonly product?: string } = {},
  ): NodeBuilder {
    return this.resource("nvidia.com/gpu", count, options.allocatable ?? count).labels({
      "nvidia.com/gpu.present": "true",
      "nvidia.com/gpu.count": String(count),
      "nvidia.com/gpu.replicas": "1",
      "nvidia.com/gpu.sharing-strategy": "none",
      "nvidia.com/gpu.product": options.product ?? "NVIDIA-H100-80GB-HBM3",
    });
  }

  /** An extended resource; quantities as numbers or as the kubelet would write them. */
  resource(name: string, capacity: number | string, allocatable: number | string = capacity): NodeBuilder {
    const quantities = { capacity: String(capacity), allocatable: String(allocatable) };
    return this.#with({ resources: { ...this.#draft.resources, [name]: quantities } });
  }

  /** Without the resource's key, as on a node whose plugin never registered. */
  withoutResource(name: string): NodeBuilder {
    const { [name]: _, ...resources } = this.#draft.resources;
    return this.#with({ resources });
  }

  /** The pool, under the node agent's label. */
  pool(pool: string): NodeBuilder {
    return this.label("kubernetes.civo.com/civo-node-pool", pool);
  }

  label(key: string, value: string): NodeBuilder {
    return this.labels({ [key]: value });
  }

  labels(labels: Record<string, string>): NodeBuilder {
    return this.#with({ labels: { ...this.#draft.labels, ...labels } });
  }

  /** Removes every label whose key begins with the prefix, e.g. what GFD takes along when it exits. */
  withoutLabels(prefix: string): NodeBuilder {
    const kept = Object.entries(this.#draft.labels).filter(([key]) => !key.startsWith(prefix));
    return this.#with({ labels: Object.fromEntries(kept) });
  }

  annotation(key: string, value: string): NodeBuilder {
    return this.#with({ annotations: { ...this.#draft.annotations, [key]: value } });
  }

  taint(key: string, effect = "NoSchedule", value?: string): NodeBuilder {
    const taint = { key, effect, ...(value === undefined ? {} : { value }) };
    return this.#with({ taints: [...this.#draft.taints, taint] });
  }

  cordoned(): NodeBuilder {
    return this.#with({ unschedulable: true }).taint("node.kubernetes.io/unschedulable");
  }

  controlPlane(): NodeBuilder {
    return this.label("node-role.kubernetes.io/control-plane", "true");
  }

  /** The object as a watch sends it. */
  raw(): RawNode {
    return rawNode(this.#name, this.#draft);
  }

  /** What the watcher keeps of it. Throws when the node as built would be refused. */
  snapshot(): NodeSnapshot {
    const result = toSnapshot(this.raw());
    if (!result.ok) throw new TypeError(`the built node is no node: ${result.error}`);
    return result.snapshot;
  }
}
