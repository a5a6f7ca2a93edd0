import type { KubeObject } from "../kubernetes-api/kube-object.ts";
import { isHealthy, type FaultState, type Machine, type NodeFault } from "./machine.ts";
import { isReady, nodeOf } from "./node-object.ts";

/** A node as it really is, beside what the Kubernetes API says of it. Free of secrets. */
export interface NodeTruth {
  readonly name: string;
  readonly pool: string;
  readonly poolId: string;
  readonly zone: string;
  readonly gpus: number;
  readonly instanceId: string;
  readonly instanceStatus: string;
  readonly power: Machine["power"];
  readonly healthy: boolean;
  readonly faults: readonly { fault: string; reboots: number | "never"; gpus?: number }[];
  readonly bootId: string;
  /** Absent when there is no Node object. */
  readonly uid?: string;
  readonly ready: boolean;
}

function described([fault, { reboots, gpus }]: [NodeFault, FaultState]): NodeTruth["faults"][number] {
  const left = Number.isFinite(reboots) ? reboots : "never";
  return { fault, reboots: left, ...(gpus === undefined ? {} : { gpus }) };
}

/** Describes one machine and its Node object, if there is one. */
export function truthOf(machine: Machine, object: KubeObject | undefined): NodeTruth {
  return {
    name: machine.name,
    pool: machine.pool.name,
    poolId: machine.pool.id,
    zone: machine.zone,
    gpus: machine.pool.gpus,
    instanceId: machine.instance.id,
    instanceStatus: machine.power === "gone" ? "GONE" : machine.instance.status,
    power: machine.power,
    healthy: isHealthy(machine),
    faults: [...machine.faults].map(described),
    bootId: machine.bootId,
    ...(object === undefined ? {} : { uid: object.metadata.uid }),
    ready: object !== undefined && isReady(nodeOf(object)),
  };
}
