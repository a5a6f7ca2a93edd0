import type { ObjectStore } from "../kubernetes-api/object-store.ts";
import type { GpuAllocation, Machine } from "./machine.ts";
import { nodeOf } from "./node-object.ts";

/** The label by which NVIDIA's DRA driver selects its nodes. */
const DRA_LABEL = "nvidia.com/dra-kubelet-plugin";

/**
 * Another way of handing out the GPUs of a healthy machine from now on: `dra` takes the device plugin away and offers
 * ResourceSlices (`labelled`: with the label of the driver's node selector), `none` only takes it away.
 */
export function allocateGpus(
  machine: Machine,
  by: GpuAllocation,
  labelled: boolean,
  nodes: ObjectStore,
): void {
  machine.gpuAllocation = by;
  const object = nodes.get(machine.name);
  if (object === undefined) return;
  const node = nodeOf(object);
  const { [DRA_LABEL]: _label, ...labels } = node.metadata.labels ?? {};
  const next = by === "dra" && labelled ? { ...labels, [DRA_LABEL]: "true" } : labels;
  nodes.put(machine.name, { ...node, metadata: { ...node.metadata, labels: next } });
}
