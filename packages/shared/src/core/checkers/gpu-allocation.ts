/**
 * Signs that the GPUs of a node are handed out in another way than by the device plugin, so that the absence of its
 * resource is no loss: dynamic resource allocation (DRA, https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/)
 * or passthrough to virtual machines.
 */
import type { NodeHistory } from "../check.ts";
import type { NodeSnapshot } from "../node.ts";

/**
 * Labels of a DRA kubelet plugin: the node selector of NVIDIA's DRA driver (`nvidia.com/dra-kubelet-plugin`, documented in
 * https://docs.nvidia.com/datacenter/cloud-native/gpu-operator/latest/dra-intro-install.html) and the GPU operator's
 * deploy label in GPUCluster mode (`nvidia.com/gpu.deploy.dra-driver`).
 */
export const DRA_LABEL = /^nvidia\.com\/(?:gpu\.deploy\.)?dra-[a-z0-9](?:[a-z0-9.-]{0,38}[a-z0-9])?$/u;

/** The GPU operator writes one deploy label for each of its parts; these come with every mode that serves containers. */
export const OPERATOR_DEPLOY_LABELS = [
  "nvidia.com/gpu.deploy.operator-validator",
  "nvidia.com/gpu.deploy.gpu-feature-discovery",
  "nvidia.com/gpu.deploy.container-toolkit",
  "nvidia.com/gpu.deploy.driver",
] as const;

/** How the GPU operator deploys the device plugin on a node, or that it does not. */
export const DEVICE_PLUGIN_LABEL = "nvidia.com/gpu.deploy.device-plugin";

/** A DRA driver allocates the GPUs of this node, by its labels or by the ResourceSlices that a worker has read. */
export function isAllocatedByDra({ labels }: NodeSnapshot, { gpu }: NodeHistory): boolean {
  if (gpu?.draSlices === true) return true;
  if (Object.entries(labels).some(([key, value]) => DRA_LABEL.test(key) && isOn(value))) return true;
  const managed = OPERATOR_DEPLOY_LABELS.some((key) => isOn(labels[key]));
  return managed && labels[DEVICE_PLUGIN_LABEL] === undefined;
}

function isOn(value: string | undefined): boolean {
  return value !== undefined && value !== "" && value !== "false";
}
