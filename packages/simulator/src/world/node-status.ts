import type { EpochMillis } from "@node-agent/shared/core/time.ts";
import { kubeTime } from "../kubernetes-api/kube-object.ts";
import { gpusOf, type Machine } from "./machine.ts";
import type { NodeLook } from "./node-labels.ts";
import { conditionOf, type NodeObject, type WireCondition } from "./node-object.ts";
import { sizeFacts } from "./sizes.ts";

/** What the kubelet of a machine reports now, before times are put on it. */
function kubeletConditions(machine: Machine): WireCondition[] {
  const pressed = machine.faults.has("disk-pressure");
  const sick = machine.faults.has("not-ready") || !machine.runtimeUp;
  return [
    {
      type: "MemoryPressure",
      status: "False",
      reason: "KubeletHasSufficientMemory",
      message: "kubelet has sufficient memory available",
    },
    {
      type: "DiskPressure",
      status: pressed ? "True" : "False",
      reason: pressed ? "KubeletHasDiskPressure" : "KubeletHasNoDiskPressure",
      message: pressed ? "kubelet has disk pressure" : "kubelet has no disk pressure",
    },
    {
      type: "PIDPressure",
      status: "False",
      reason: "KubeletHasSufficientPID",
      message: "kubelet has sufficient PID available",
    },
    {
      type: "Ready",
      status: sick ? "False" : "True",
      reason: sick ? "KubeletNotReady" : "KubeletReady",
      message: sick ? notReadyMessage(machine) : "kubelet is posting ready status",
    },
  ];
}

function notReadyMessage(machine: Machine): string {
  return machine.faults.has("not-ready")
    ? "PLEG is not healthy: pleg was last seen active 3m12.4s ago; threshold is 3m0s"
    : "container runtime network not ready: NetworkReady=false reason:NetworkPluginNotReady message:Network plugin returns error: cni plugin not initialized";
}

/**
 * The Node after its kubelet posted: conditions of others stay, transition times move only with the status, and an
 * unchanged machine changes nothing but heartbeat times.
 */
export function postStatus(node: NodeObject, machine: Machine, look: NodeLook, now: EpochMillis): NodeObject {
  const time = kubeTime(now);
  const posted = kubeletConditions(machine).map((condition) => timed(condition, node, time));
  const foreign = node.status.conditions.filter(
    (condition) => !posted.some((ours) => ours.type === condition.type),
  );
  const resources = resourcesOf(machine);
  return {
    ...node,
    status: {
      ...node.status,
      conditions: [...foreign, ...posted],
      capacity: { ...node.status.capacity, ...resources.capacity },
      allocatable: { ...node.status.allocatable, ...resources.allocatable },
      nodeInfo: nodeInfo(machine, look),
    },
  };
}

function timed(condition: WireCondition, node: NodeObject, time: string): WireCondition {
  const before = conditionOf(node, condition.type);
  const since = before?.status === condition.status ? before.lastTransitionTime : undefined;
  return { ...condition, lastHeartbeatTime: time, lastTransitionTime: since ?? time };
}

function resourcesOf(machine: Machine): {
  capacity: Record<string, string>;
  allocatable: Record<string, string>;
} {
  const facts = sizeFacts(machine.pool.size, machine.pool.gpus);
  const fixed = { "hugepages-1Gi": "0", "hugepages-2Mi": "0", pods: "110" };
  const gpus = machine.pool.gpus === 0 ? undefined : gpusOf(machine);
  return {
    capacity: {
      cpu: String(facts.cpus),
      "ephemeral-storage": `${facts.diskGiB * 1024 * 1024}Ki`,
      memory: `${facts.memoryMiB * 1024}Ki`,
      ...fixed,
      ...(gpus === undefined ? {} : { "nvidia.com/gpu": String(gpus.capacity) }),
    },
    allocatable: {
      cpu: String(facts.cpus),
      "ephemeral-storage": String(Math.floor(facts.diskGiB * 1024 ** 3 * 0.97)),
      memory: `${facts.memoryMiB * 1024 - 102_400}Ki`,
      ...fixed,
      ...(gpus === undefined ? {} : { "nvidia.com/gpu": String(gpus.allocatable) }),
    },
  };
}

function nodeInfo(machine: Machine, look: NodeLook): Record<string, string> {
  return {
    architecture: "amd64",
    bootID: machine.bootId,
    containerRuntimeVersion: "containerd://1.7.23-k3s2",
    kernelVersion: "6.8.0-60-generic",
    kubeProxyVersion: look.kubeletVersion,
    kubeletVersion: look.kubeletVersion,
    machineID: machine.machineId,
    operatingSystem: "linux",
    osImage: "Ubuntu 24.04.2 LTS",
    systemUUID: machine.instance.id,
  };
}
