import type { Clock } from "@node-agent/shared/ports/clock.ts";
import { kubeTime, recordOf, textOf } from "../kubernetes-api/kube-object.ts";
import { keyOf, type ObjectStore, type StoredChange } from "../kubernetes-api/object-store.ts";
import { conditionOf, nodeOf, type NodeObject } from "./node-object.ts";
import type { Random } from "./random.ts";

interface Told {
  readonly reason: string;
  readonly message: string;
  readonly type?: "Warning";
  readonly by: "kubelet" | "node-controller";
}

/** The newest events that are kept; a real cluster keeps an hour of them. */
const KEPT = 2000;

/** Writes the events that kubelets and the node controller record when a Node changes; `kubectl describe` shows them. */
export class NodeEvents {
  readonly #deps: { readonly events: ObjectStore; readonly clock: Clock; readonly random: Random };
  readonly #keys: string[] = [];

  constructor(deps: { readonly events: ObjectStore; readonly clock: Clock; readonly random: Random }) {
    this.#deps = deps;
  }

  /** Looks at one change of a Node; a heartbeat says nothing. */
  observe(change: StoredChange): void {
    if (change.type !== "MODIFIED" || change.previous === undefined) return;
    const node = nodeOf(change.object);
    for (const told of differences(nodeOf(change.previous), node)) this.#record(node, told);
  }

  #record(node: NodeObject, { reason, message, type, by }: Told): void {
    const { events, clock, random } = this.#deps;
    const time = kubeTime(clock.now());
    const { name, uid } = node.metadata;
    const event = `${name}.${random.hex(16)}`;
    const key = keyOf("default", event);
    events.put(key, {
      apiVersion: "v1",
      kind: "Event",
      metadata: { name: event, namespace: "default", uid: random.uuid(), creationTimestamp: time },
      // The kubelet's habit: it does not know the uid and writes the name.
      involvedObject: { kind: "Node", name, uid: by === "kubelet" ? name : uid },
      reason,
      message,
      type: type ?? "Normal",
      source: by === "kubelet" ? { component: by, host: name } : { component: by },
      reportingComponent: by,
      reportingInstance: by === "kubelet" ? name : "",
      firstTimestamp: time,
      lastTimestamp: time,
      count: 1,
      eventTime: null,
    });
    this.#keys.push(key);
    if (this.#keys.length > KEPT) events.delete(this.#keys.shift() ?? "");
  }
}

function differences(before: NodeObject, after: NodeObject): Told[] {
  return [...readiness(before, after), ...pressure(before, after), ...reboot(before, after)];
}

function readiness(before: NodeObject, after: NodeObject): Told[] {
  const status = conditionOf(after, "Ready")?.status;
  if (status === conditionOf(before, "Ready")?.status) return [];
  const { name } = after.metadata;
  if (status === "True") {
    return [{ reason: "NodeReady", message: `Node ${name} status is now: NodeReady`, by: "kubelet" }];
  }
  const by = status === "Unknown" ? "node-controller" : "kubelet";
  return [{ reason: "NodeNotReady", message: `Node ${name} status is now: NodeNotReady`, by }];
}

function pressure(before: NodeObject, after: NodeObject): Told[] {
  const status = conditionOf(after, "DiskPressure")?.status;
  if (status === conditionOf(before, "DiskPressure")?.status || status === "Unknown") return [];
  const reason = status === "True" ? "NodeHasDiskPressure" : "NodeHasNoDiskPressure";
  return [{ reason, message: `Node ${after.metadata.name} status is now: ${reason}`, by: "kubelet" }];
}

function reboot(before: NodeObject, after: NodeObject): Told[] {
  const bootId = bootIdOf(after);
  const previous = bootIdOf(before);
  if (bootId === undefined || previous === undefined || bootId === previous) return [];
  const message = `Node ${after.metadata.name} has been rebooted, boot id: ${bootId}`;
  return [{ reason: "Rebooted", message, type: "Warning", by: "kubelet" }];
}

function bootIdOf(node: NodeObject): string | undefined {
  return textOf(recordOf(node.status["nodeInfo"])["bootID"]);
}
