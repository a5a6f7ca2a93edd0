import { isRecord, type KubeObject } from "../kubernetes-api/kube-object.ts";

/** One condition as the API carries it. */
export interface WireCondition {
  readonly type: string;
  readonly status: string;
  readonly lastHeartbeatTime?: string;
  readonly lastTransitionTime?: string;
  readonly reason?: string;
  readonly message?: string;
}

/** One taint as the API carries it. */
export interface WireTaint {
  readonly key: string;
  readonly value?: string;
  readonly effect: string;
  readonly timeAdded?: string;
}

/** The fields of a Node that the simulated actors read and write; everything else passes through untouched. */
export interface NodeObject extends KubeObject {
  readonly spec: {
    readonly providerID?: string;
    readonly unschedulable?: boolean;
    readonly taints?: readonly WireTaint[];
    readonly [field: string]: unknown;
  };
  readonly status: {
    readonly conditions: readonly WireCondition[];
    readonly capacity: Readonly<Record<string, string>>;
    readonly allocatable: Readonly<Record<string, string>>;
    readonly [field: string]: unknown;
  };
}

/** Any stored Node, made whole: a client may have created one without spec or status. */
export function nodeOf(object: KubeObject): NodeObject {
  if (isWhole(object)) return object;
  const spec = isRecord(object["spec"]) ? object["spec"] : {};
  const status = isRecord(object["status"]) ? object["status"] : {};
  return {
    ...object,
    spec: { ...spec },
    status: {
      ...status,
      conditions: Array.isArray(status["conditions"]) ? status["conditions"].filter(isCondition) : [],
      capacity: isQuantities(status["capacity"]) ? status["capacity"] : {},
      allocatable: isQuantities(status["allocatable"]) ? status["allocatable"] : {},
    },
  };
}

/** The condition of a type, or undefined. */
export function conditionOf(node: NodeObject, type: string): WireCondition | undefined {
  return node.status.conditions.find((condition) => condition.type === type);
}

/** The node's Ready condition is True. */
export function isReady(node: NodeObject): boolean {
  return conditionOf(node, "Ready")?.status === "True";
}

/** The node with other taints; an empty list removes the field, as the API server does. */
export function withTaints(node: NodeObject, taints: readonly WireTaint[]): NodeObject {
  const { taints: _before, ...rest } = node.spec;
  return { ...node, spec: taints.length === 0 ? rest : { ...rest, taints } };
}

function isWhole(object: KubeObject): object is NodeObject {
  const status = object["status"];
  return (
    isRecord(object["spec"]) &&
    isRecord(status) &&
    Array.isArray(status["conditions"]) &&
    isRecord(status["capacity"]) &&
    isRecord(status["allocatable"])
  );
}

function isCondition(value: unknown): value is WireCondition {
  return isRecord(value) && typeof value["type"] === "string" && typeof value["status"] === "string";
}

function isQuantities(value: unknown): value is Record<string, string> {
  return isRecord(value) && Object.values(value).every((entry) => typeof entry === "string");
}
