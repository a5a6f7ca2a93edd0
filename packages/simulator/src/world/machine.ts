import type { EpochMillis } from "@node-agent/shared/core/time.ts";
import type { Guise } from "./guise.ts";
import type { Appointment } from "./scheduler.ts";

/** What a person or a test can break on a machine. */
export const NODE_FAULTS = [
  "kubelet-dead",
  "not-ready",
  "lose-gpus",
  "device-plugin-dead",
  "disk-pressure",
  "cilium-taint",
] as const;
export type NodeFault = (typeof NODE_FAULTS)[number];

/** One fault as it stands on a machine. */
export interface FaultState {
  /** Reboots that still have to happen before it is gone; Infinity never. */
  reboots: number;
  /** How many GPUs are lost (`lose-gpus` only). */
  readonly gpus?: number;
}

/** A pool of the cluster as the world runs it. */
export interface Pool {
  readonly id: string;
  readonly name: string;
  readonly size: string;
  /** The count that the cloud tries to keep. */
  count: number;
  readonly gpus: number;
  readonly gpuProduct: string;
  readonly zones: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly upperCaseHostNames: boolean;
  readonly taints: readonly { readonly key: string; readonly value?: string; readonly effect: string }[];
}

/** A VM as the cloud knows it. */
export interface Instance {
  readonly id: string;
  readonly hostname: string;
  readonly pool: Pool;
  status: "BUILDING" | "ACTIVE" | "SHUTOFF" | "REBOOTING" | "STOPPING" | "DELETING";
  readonly createdAt: EpochMillis;
  readonly privateIp: string;
  readonly publicIp: string | null;
  /** Looks like a secret, as in real answers: a client must not let it out. */
  readonly initialPassword: string;
  /** Looks like a secret too. */
  readonly civostatsdToken: string;
}

/** Who hands out the GPUs of a machine: the device plugin, a DRA driver, or nobody. */
export const GPU_ALLOCATIONS = ["plugin", "dra", "none"] as const;
export type GpuAllocation = (typeof GPU_ALLOCATIONS)[number];

/** A VM with its kubelet: what is really the case, whatever the APIs say. */
export interface Machine {
  readonly name: string;
  readonly zone: string;
  readonly pool: Pool;
  readonly instance: Instance;
  readonly machineId: string;
  readonly podCidr: string;
  /** `off` covers every moment without a running kernel, booting included. */
  power: "on" | "off" | "gone";
  /** The kubelet posts and renews its lease. */
  posting: boolean;
  /** The container runtime and the network answer: the kubelet reports Ready. */
  runtimeUp: boolean;
  /** The device plugin has registered since the kubelet started. */
  pluginUp: boolean;
  /** The device plugin's grace is over: capacity reads 0 as well. */
  pluginForgotten: boolean;
  bootId: string;
  bootedAt: EpochMillis;
  /** When the kubelet was last heard of; meaningful while it is silent. */
  silentSince: EpochMillis;
  gpuAllocation: GpuAllocation;
  readonly faults: Map<NodeFault, FaultState>;
  /** The kubelet's next post of an unchanged status; there is never more than one. */
  heartbeat: Appointment | undefined;
  /** Runtime up, device plugin up: what a boot brings, and a power-off takes away. */
  readonly kubeletAppointments: Set<Appointment>;
  /** The cloud's next steps with this instance. */
  readonly cloudAppointments: Set<Appointment>;
  /** Somebody took the Node object away for good: the kubelet does not register it again until it restarts. */
  unregistered: boolean;
  /** What its kubelet reports instead of its state, if a test gave it a Node object to show. */
  guise: Guise | undefined;
}

/** The machine runs, nothing is broken, everything has come up: rebooting it would be a mistake. */
export function isHealthy(machine: Machine): boolean {
  return (
    machine.power === "on" &&
    machine.posting &&
    machine.runtimeUp &&
    machine.faults.size === 0 &&
    machine.guise?.sick !== true &&
    (machine.pool.gpus === 0 || machine.pluginUp || machine.gpuAllocation !== "plugin")
  );
}

/** GPUs as the kubelet counts them now: all that are there, and those that work. */
export function gpusOf(machine: Machine): { readonly capacity: number; readonly allocatable: number } {
  if (machine.gpuAllocation !== "plugin") return { capacity: 0, allocatable: 0 };
  if (machine.pluginForgotten) return { capacity: 0, allocatable: 0 };
  if (machine.faults.has("device-plugin-dead") || !machine.pluginUp) {
    return { capacity: machine.pluginUp ? machine.pool.gpus : 0, allocatable: 0 };
  }
  const lost = machine.faults.get("lose-gpus")?.gpus ?? 0;
  return { capacity: machine.pool.gpus, allocatable: Math.max(0, machine.pool.gpus - lost) };
}
