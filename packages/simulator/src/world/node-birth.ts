import type { EpochMillis } from "@node-agent/shared/core/time.ts";
import { kubeTime } from "../kubernetes-api/kube-object.ts";
import type { Machine } from "./machine.ts";
import { labelsOf, type NodeLook } from "./node-labels.ts";
import type { NodeObject, WireCondition } from "./node-object.ts";

/** The Node object as the kubelet, the cloud controller and the CNI leave it once it is registered. */
export function newNode(machine: Machine, look: NodeLook, uid: string, now: EpochMillis): NodeObject {
  const time = kubeTime(now);
  return {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
      name: machine.name,
      uid,
      resourceVersion: "",
      creationTimestamp: time,
      labels: labelsOf(machine, look),
      annotations: {
        "csi.volume.kubernetes.io/nodeid": `{"csi.civo.com":"${machine.instance.id}"}`,
        "k3s.io/hostname": machine.name,
        "k3s.io/internal-ip": machine.instance.privateIp,
        "node.alpha.kubernetes.io/ttl": "0",
        "volumes.kubernetes.io/controller-managed-attach-detach": "true",
      },
      ...(look.bulk ? { managedFields: bulkyManagedFields(time) } : {}),
    },
    spec: {
      podCIDR: machine.podCidr,
      podCIDRs: [machine.podCidr],
      providerID: `civo://${machine.instance.id}`,
      ...(machine.pool.taints.length === 0 ? {} : { taints: machine.pool.taints }),
    },
    status: {
      addresses: [
        { address: machine.instance.privateIp, type: "InternalIP" },
        { address: machine.name, type: "Hostname" },
        ...(machine.instance.publicIp === null
          ? []
          : [{ address: machine.instance.publicIp, type: "ExternalIP" }]),
      ],
      allocatable: {},
      capacity: {},
      conditions: [networkCondition(look, time)],
      daemonEndpoints: { kubeletEndpoint: { Port: 10_250 } },
      ...(look.bulk ? { images: bulkyImages() } : {}),
    },
  };
}

/** Set once by the CNI and never again; it stays False on a dead node. */
function networkCondition(look: NodeLook, time: string): WireCondition {
  const cilium = look.cni === "cilium";
  return {
    type: "NetworkUnavailable",
    status: "False",
    lastHeartbeatTime: time,
    lastTransitionTime: time,
    reason: cilium ? "CiliumIsUp" : "FlannelIsUp",
    message: cilium ? "Cilium is running on this node" : "Flannel is running on this node",
  };
}

function bulkyImages(): unknown[] {
  return Array.from({ length: 50 }, (_, index) => ({
    names: [
      `registry.example.com/platform/service-${index}@sha256:${String(index).padStart(64, "0")}`,
      `registry.example.com/platform/service-${index}:v1.${index}.0`,
    ],
    sizeBytes: 50_000_000 + index,
  }));
}

function bulkyManagedFields(time: string): unknown[] {
  const fields = Object.fromEntries(
    Array.from({ length: 60 }, (_, index) => [`f:example.com/label-${index}`, {}]),
  );
  return ["k3s", "kubelet", "civo-cloud-controller-manager"].map((manager) => ({
    apiVersion: "v1",
    fieldsType: "FieldsV1",
    fieldsV1: { "f:metadata": { "f:labels": fields } },
    manager,
    operation: "Update",
    time,
  }));
}
