import { POOL_LABELS, type NodeSnapshot } from "@node-agent/shared/core/node.ts";
import { list, property, text } from "../raw-object.ts";

/** Which nodes of a cluster are looked at. */
export interface NodeSelector {
  /** Node pool ids; empty means every pool. */
  readonly pools: readonly string[];
  /** Control-plane nodes are left alone unless this is set. */
  readonly includeControlPlane?: boolean;
  /** Virtual kubelets and kwok nodes have no machine to reboot; left alone unless this is set. */
  readonly includeVirtual?: boolean;
}

const CONTROL_PLANE_LABELS = ["control-plane", "master", "controlplane", "etcd"].map(
  (role) => `node-role.kubernetes.io/${role}`,
);
const KWOK = "kwok.x-k8s.io/node";
const VIRTUAL_KUBELET_TAINT = "virtual-kubelet.io/provider";

function isControlPlane(labels: unknown): boolean {
  return CONTROL_PLANE_LABELS.some((label) => ["", "true"].includes(String(property(labels, label))));
}

function isVirtual(node: unknown, labels: unknown): boolean {
  const annotations = property(property(node, "metadata"), "annotations");
  const taints = list(property(node, "spec"), "taints");
  return (
    text(labels, "type") === "virtual-kubelet" ||
    property(labels, KWOK) !== undefined ||
    property(annotations, KWOK) !== undefined ||
    taints.some((taint) => text(taint, "key") === VIRTUAL_KUBELET_TAINT)
  );
}

/**
 * The test for a raw Node. It runs here and not as a labelSelector of the list and the watch, because selectors can
 * only AND: Civo names the pool of a node under one of two labels, and "this label or that one" cannot be asked for.
 * A gain besides: DELETED on the watch then means deleted, and not perhaps "a label has changed". The price is that
 * events of other pools cross the wire. It works on the raw object, before the allow-list of the snapshot.
 */
export function createNodeFilter(selector: NodeSelector): (node: unknown) => boolean {
  const pools = new Set(selector.pools);
  return (node) => {
    const labels = property(property(node, "metadata"), "labels");
    if (selector.includeControlPlane !== true && isControlPlane(labels)) return false;
    if (selector.includeVirtual !== true && isVirtual(node, labels)) return false;
    return pools.size === 0 || POOL_LABELS.some((label) => pools.has(text(labels, label) ?? ""));
  };
}

/** The same test on a snapshot: its allow-list keeps every label, annotation and taint that is looked at. */
export function createSnapshotFilter(selector: NodeSelector): (snapshot: NodeSnapshot) => boolean {
  const selects = createNodeFilter(selector);
  return ({ labels, annotations, taints }) =>
    selects({ metadata: { labels, annotations }, spec: { taints } });
}
