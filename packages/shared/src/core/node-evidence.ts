/**
 * What the pods and the ResourceSlices of a node say about the failure of a checker: read right before a repair that only
 * checkers of GPU or Cilium ask for, because a missing agent is no broken machine.
 */
import type { NodeRecord } from "./record.ts";
import type { EpochMillis } from "./time.ts";

/** The agents whose pods are looked at: NVIDIA's device plugin and Cilium's agent. */
export type AgentPod = "DevicePlugin" | "Cilium";

/** One pod of an agent on a node; pods that are being deleted are left out. */
export interface PodFact {
  readonly agent: AgentPod;
  /** `namespace/name`. */
  readonly name: string;
  readonly createdAt?: EpochMillis;
  /** Its condition Ready is True. */
  readonly ready: boolean;
  /** A container keeps ending or cannot be run: CrashLoopBackOff, RunContainerError, or ended with an error. */
  readonly crashing: boolean;
  /** Its image cannot be pulled. */
  readonly imageMissing: boolean;
}

/**
 * A reading of something that may be out of reach. `NotPermitted`: this process may not read it, or the cluster does not
 * serve it, and that will not change by asking again. `Unread`: it could not be read this time.
 */
export type Reading<T> =
  | { readonly state: "Read"; readonly value: T }
  | { readonly state: "NotPermitted" | "Unread"; readonly why: string };

/** The evidence about one node. */
export interface NodeEvidence {
  readonly pods: Reading<readonly PodFact[]>;
  /** Names of GPU drivers with devices in the ResourceSlices of the node (dynamic resource allocation). */
  readonly gpuDrivers: Reading<readonly string[]>;
}

/** The drivers that a reading has found; none when it was not read. */
export function driversIn({ gpuDrivers }: NodeEvidence): readonly string[] {
  return gpuDrivers.state === "Read" ? gpuDrivers.value : [];
}

/**
 * The record that remembers a GPU driver in the ResourceSlices of its node, so that its next judgement skips the GPUs
 * (`AllocatedByDRA`); undefined: there is none, or it is known.
 */
export function withDraSlices(record: NodeRecord, evidence: NodeEvidence): NodeRecord | undefined {
  if (driversIn(evidence).length === 0 || record.gpu?.draSlices === true) return undefined;
  return { ...record, gpu: { ...record.gpu, draSlices: true } };
}
