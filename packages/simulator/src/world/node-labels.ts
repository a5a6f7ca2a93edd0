import type { Machine } from "./machine.ts";

/** Which of Civo's two pool labels the nodes carry; real clusters have either or both. */
export type PoolLabelStyle = "both" | "civo-node-pool" | "node-pool";

/** What all nodes of a world have in common. */
export interface NodeLook {
  readonly region: string;
  readonly poolLabel: PoolLabelStyle;
  readonly cni: "cilium" | "flannel";
  readonly kubeletVersion: string;
  /** Adds images and managedFields, which make a real Node four times as large. */
  readonly bulk: boolean;
}

/** All labels of a machine's Node: kubelet, cloud controller, pool, and GPU feature discovery on GPU pools. */
export function labelsOf(machine: Machine, look: NodeLook): Record<string, string> {
  const { pool } = machine;
  return {
    "beta.kubernetes.io/arch": "amd64",
    "beta.kubernetes.io/instance-type": pool.size,
    "beta.kubernetes.io/os": "linux",
    ...(look.poolLabel === "node-pool" ? {} : { "kubernetes.civo.com/civo-node-pool": pool.id }),
    ...(look.poolLabel === "civo-node-pool"
      ? {}
      : { "kubernetes.civo.com/node-pool": pool.id, "kubernetes.civo.com/node-size": pool.size }),
    "kubernetes.io/arch": "amd64",
    "kubernetes.io/hostname": machine.name,
    "kubernetes.io/os": "linux",
    "node.kubernetes.io/instance-type": pool.size,
    "topology.kubernetes.io/region": look.region,
    "topology.kubernetes.io/zone": machine.zone,
    ...(pool.gpus === 0 ? {} : gpuLabels(machine)),
    ...pool.labels,
  };
}

/** The labels of NVIDIA's GPU feature discovery and operator, after the H100 fixture of a healthy node. */
function gpuLabels({ pool }: Machine): Record<string, string> {
  return {
    "feature.node.kubernetes.io/pci-10de.present": "true",
    "nvidia.com/cuda.driver.major": "550",
    "nvidia.com/cuda.runtime.major": "12",
    "nvidia.com/gfd.timestamp": "1760000000",
    "nvidia.com/gpu-driver-upgrade-state": "upgrade-done",
    "nvidia.com/gpu.compute.major": "9",
    "nvidia.com/gpu.count": String(pool.gpus),
    "nvidia.com/gpu.deploy.device-plugin": "true",
    "nvidia.com/gpu.deploy.gpu-feature-discovery": "true",
    "nvidia.com/gpu.family": "hopper",
    "nvidia.com/gpu.memory": "81559",
    "nvidia.com/gpu.present": "true",
    "nvidia.com/gpu.product": pool.gpuProduct,
    "nvidia.com/gpu.replicas": "1",
    "nvidia.com/gpu.sharing-strategy": "none",
    "nvidia.com/mig.capable": "true",
    "nvidia.com/mig.config": "all-disabled",
    "nvidia.com/mig.config.state": "success",
    "nvidia.com/mig.strategy": "single",
  };
}
