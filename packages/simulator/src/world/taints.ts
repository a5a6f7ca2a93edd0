import { conditionOf, type NodeObject, type WireTaint } from "./node-object.ts";

/** Cilium's mark on a node whose agent is scheduled but not running (its operator writes it). */
export const CILIUM_TAINT = "node.cilium.io/agent-not-ready";
/** The cloud controller's mark on a node whose instance does not run; removed only when the node is Ready. */
const SHUTDOWN_TAINT = "node.cloudprovider.kubernetes.io/shutdown";

const NOT_READY = "node.kubernetes.io/not-ready";
const UNREACHABLE = "node.kubernetes.io/unreachable";
const DISK_PRESSURE = "node.kubernetes.io/disk-pressure";
const UNSCHEDULABLE = "node.kubernetes.io/unschedulable";

const MANAGED: ReadonlySet<string> = new Set([
  CILIUM_TAINT,
  SHUTDOWN_TAINT,
  NOT_READY,
  UNREACHABLE,
  DISK_PRESSURE,
  UNSCHEDULABLE,
]);

/** What the controllers know when they decide on taints. */
export interface TaintInputs {
  readonly node: NodeObject;
  /** Now, for `timeAdded`. */
  readonly time: string;
  /** The NoExecute taint of a sick node is due. */
  readonly executes: boolean;
  /** The instance is there and not ACTIVE. */
  readonly shutdown: boolean;
  readonly cilium: boolean;
}

/** All taints the node should have: those of others untouched and first, then ours with their first `timeAdded`. */
export function desiredTaints({ node, time, executes, shutdown, cilium }: TaintInputs): WireTaint[] {
  const present = node.spec.taints ?? [];
  const ready = conditionOf(node, "Ready")?.status ?? "True";
  const wanted: WireTaint[] = [];
  if (node.spec.unschedulable === true) {
    wanted.push({ key: UNSCHEDULABLE, effect: "NoSchedule", timeAdded: time });
  }
  if (conditionOf(node, "DiskPressure")?.status === "True") {
    wanted.push({ key: DISK_PRESSURE, effect: "NoSchedule", timeAdded: time });
  }
  if (ready !== "True") {
    const key = ready === "False" ? NOT_READY : UNREACHABLE;
    wanted.push({ key, effect: "NoSchedule", timeAdded: time });
    if (executes) wanted.push({ key, effect: "NoExecute", timeAdded: time });
    const marked = present.some((taint) => taint.key === SHUTDOWN_TAINT);
    if (shutdown || marked) wanted.push({ key: SHUTDOWN_TAINT, effect: "NoSchedule" });
  }
  if (cilium) {
    // Where it is there already it stays as it is: versions of Cilium write other effects.
    const left = present.find((taint) => taint.key === CILIUM_TAINT);
    wanted.push(left ?? { key: CILIUM_TAINT, value: "true", effect: "NoExecute" });
  }
  const foreign = present.filter((taint) => !MANAGED.has(taint.key));
  const ours = wanted.map(
    (taint) => present.find((old) => old.key === taint.key && old.effect === taint.effect) ?? taint,
  );
  return [...foreign, ...ours];
}

/** Same keys and effects, whatever the order. */
export function sameTaints(one: readonly WireTaint[], other: readonly WireTaint[]): boolean {
  const names = new Set(one.map((taint) => `${taint.key}:${taint.effect}`));
  return one.length === other.length && other.every((taint) => names.has(`${taint.key}:${taint.effect}`));
}
