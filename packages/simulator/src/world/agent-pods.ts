import type { EpochMillis } from "@node-agent/shared/core/time.ts";
import { kubeTime, type KubeObject } from "../kubernetes-api/kube-object.ts";
import { keyOf, type ObjectStore } from "../kubernetes-api/object-store.ts";
import type { Machine } from "./machine.ts";
import type { Random } from "./random.ts";
import type { World } from "./world.ts";

const NAMESPACE = "kube-system";

/** What the pods of agents are made from. */
export interface AgentPodParts {
  readonly world: World;
  readonly pods: ObjectStore;
  readonly nodes: ObjectStore;
  readonly slices: ObjectStore;
  readonly random: Random;
  readonly cni: "cilium" | "flannel";
}

/** Writes the pods of NVIDIA's device plugin and of Cilium that a read is about to show, as their machines are. */
export function refreshAgentPods(parts: AgentPodParts): void {
  const { world, nodes, cni } = parts;
  for (const name of world.names()) {
    const machine = world.machine(name);
    if (nodes.get(name) === undefined) continue;
    const up = machine.posting && machine.runtimeUp;
    const { pool, gpuAllocation, faults } = machine;
    const plugin = { app: "nvidia-device-plugin-ds", machine, up, crashes: faults.has("device-plugin-dead") };
    if (pool.gpus > 0) refresh(parts, { ...plugin, wanted: gpuAllocation === "plugin" });
    const agent = { app: "cilium", machine, up, crashes: faults.has("cilium-taint") };
    refresh(parts, { ...agent, wanted: cni === "cilium" });
  }
}

interface AgentPod {
  readonly app: string;
  readonly machine: Machine;
  readonly wanted: boolean;
  readonly up: boolean;
  readonly crashes: boolean;
}

function refresh({ pods, random }: AgentPodParts, { app, machine, wanted, up, crashes }: AgentPod): void {
  const name = `${app}-${machine.name}`;
  const key = keyOf(NAMESPACE, name);
  const before = pods.get(key);
  if (!wanted) {
    if (before !== undefined) pods.delete(key);
    return;
  }
  const status = podStatus(up && !crashes, crashes);
  if (before !== undefined && JSON.stringify(before["status"]) === JSON.stringify(status)) return;
  pods.put(key, {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      name,
      namespace: NAMESPACE,
      uid: before?.metadata.uid ?? random.uuid(),
      creationTimestamp: before?.metadata.creationTimestamp ?? kubeTime(bornBefore(machine.bootedAt)),
      labels: { "k8s-app": app, name: app },
    },
    spec: { nodeName: machine.name, containers: [{ name: app, image: `example.invalid/${app}:1` }] },
    status,
  });
}

/** Pods of a DaemonSet are older than the last boot of their machine. */
function bornBefore(bootedAt: EpochMillis): EpochMillis {
  const aDay = 24 * 60 * 60 * 1000;
  return bootedAt - aDay;
}

function podStatus(ready: boolean, crashes: boolean): KubeObject["status"] {
  const state = crashes ? { waiting: { reason: "CrashLoopBackOff" } } : { running: {} };
  return {
    phase: "Running",
    conditions: [{ type: "Ready", status: ready ? "True" : "False" }],
    containerStatuses: [{ name: "agent", ready, restartCount: crashes ? 7 : 0, state }],
  };
}

/** Writes the ResourceSlices of nodes whose GPUs a DRA driver allocates (resource.k8s.io/v1). */
export function refreshSlices({ world, slices, random }: AgentPodParts): void {
  for (const name of world.names()) {
    const { pool, gpuAllocation } = world.machine(name);
    const sliceName = `${name}-gpu.nvidia.com`;
    const key = keyOf(undefined, sliceName);
    const before = slices.get(key);
    const wanted = pool.gpus > 0 && gpuAllocation === "dra";
    if (before !== undefined && !wanted) slices.delete(key);
    if (before !== undefined || !wanted) continue;
    slices.put(key, {
      apiVersion: "resource.k8s.io/v1",
      kind: "ResourceSlice",
      metadata: { name: sliceName, uid: random.uuid(), creationTimestamp: kubeTime(Date.UTC(2026, 0, 1)) },
      spec: {
        driver: "gpu.nvidia.com",
        nodeName: name,
        pool: { name, generation: 1, resourceSliceCount: 1 },
        devices: Array.from({ length: pool.gpus }, (_, nth) => ({ name: `gpu-${nth}` })),
      },
    });
  }
}
