import { kubeTime } from "../kubernetes-api/kube-object.ts";
import type { StoredChange } from "../kubernetes-api/object-store.ts";
import type { ActorDeps } from "./kubelets.ts";
import type { Machine } from "./machine.ts";
import {
  conditionOf,
  nodeOf,
  withTaints,
  type NodeObject,
  type WireCondition,
  type WireTaint,
} from "./node-object.ts";
import type { Appointment } from "./scheduler.ts";
import { CILIUM_TAINT, desiredTaints, sameTaints } from "./taints.ts";

const KUBELET_CONDITIONS: ReadonlySet<string> = new Set([
  "MemoryPressure",
  "DiskPressure",
  "PIDPressure",
  "Ready",
]);

/**
 * The controllers that write Nodes from outside: the node lifecycle controller (four conditions Unknown after the
 * grace, taints that follow conditions), the cloud controller's shutdown taint, and the Cilium operator's taint.
 */
export class NodeController {
  readonly #deps: Omit<ActorDeps, "random" | "look">;
  readonly #machines: ReadonlyMap<string, Machine>;
  readonly #silences = new Map<Machine, Appointment>();
  /** Since when (monotonic) a node is not Ready, under the uid it had. */
  readonly #sickSince = new Map<
    string,
    { readonly uid: string; readonly status: string; readonly at: number }
  >();

  constructor(deps: Omit<ActorDeps, "random" | "look">, machines: ReadonlyMap<string, Machine>) {
    this.#deps = deps;
    this.#machines = machines;
  }

  /** A kubelet fell silent: after the grace its node is Unknown. */
  silent(machine: Machine): void {
    this.#silences.get(machine)?.cancel();
    this.#silences.set(
      machine,
      this.#deps.scheduler.after(this.#deps.timings.nodeMonitorGrace, () => {
        this.#silences.delete(machine);
        this.#markUnknown(machine);
      }),
    );
  }

  /** Looks at all nodes anew, as after a restore: whose kubelet is silent, or no longer exists, is Unknown after the grace. */
  restored(): void {
    for (const { metadata } of this.#deps.nodes.values()) {
      const machine = this.#machines.get(metadata.name);
      this.#deps.scheduler.after(0, () => this.reconcile(metadata.name));
      if (machine === undefined) this.#abandoned(metadata.name);
      else if (!machine.posting) this.silent(machine);
    }
  }

  /** A kubelet is heard again. */
  heard(machine: Machine): void {
    this.#silences.get(machine)?.cancel();
    this.#silences.delete(machine);
  }

  /** Looks at a change of a Node and reconciles its taints soon, when the change can matter to them. */
  observe(change: StoredChange): void {
    const { name } = change.object.metadata;
    if (change.type === "DELETED") {
      this.#sickSince.delete(name);
      return;
    }
    if (change.previous !== undefined && !mattersToTaints(nodeOf(change.previous), nodeOf(change.object)))
      return;
    this.#deps.scheduler.after(0, () => this.reconcile(name));
  }

  /** Brings the taints of a node in line with its conditions, its cordon, its instance and its Cilium agent. */
  reconcile(name: string): void {
    const object = this.#deps.nodes.get(name);
    if (object === undefined) return;
    const node = nodeOf(object);
    const machine = this.#machines.get(name);
    const ready = conditionOf(node, "Ready")?.status;
    const wanted = desiredTaints({
      node,
      time: kubeTime(this.#deps.clock.now()),
      executes: this.#noExecuteDue(node, ready),
      shutdown: machine !== undefined && machine.power !== "gone" && machine.instance.status !== "ACTIVE",
      cilium: this.#ciliumTaint(node, machine),
    });
    const taints = node.spec.taints ?? [];
    if (!sameTaints(taints, wanted)) this.#deps.nodes.put(name, withTaints(node, wanted));
  }

  /** After a change of an instance's status, at the cloud controller's pace. */
  instanceChanged(machine: Machine): void {
    this.#deps.scheduler.after(this.#deps.timings.cloudControllerPeriod, () => this.reconcile(machine.name));
  }

  #ciliumTaint(node: NodeObject, machine: Machine | undefined): boolean {
    if (machine?.guise?.taints.has(CILIUM_TAINT) === true) return true;
    if (machine?.posting === true) return machine.faults.has("cilium-taint");
    // Nobody knows how the agent of a silent machine is: the operator leaves what it wrote.
    return (
      machine?.faults.has("cilium-taint") === true ||
      (node.spec.taints ?? []).some((taint: WireTaint) => taint.key === CILIUM_TAINT)
    );
  }

  /** NoExecute follows NoSchedule after a pause that counts from the condition's last change. */
  #noExecuteDue(node: NodeObject, ready: string | undefined): boolean {
    const { name, uid } = node.metadata;
    if (ready === undefined || ready === "True") {
      this.#sickSince.delete(name);
      return false;
    }
    const { scheduler, timings, clock } = this.#deps;
    const known = this.#sickSince.get(name);
    if (known?.uid === uid && known.status === ready) {
      return clock.monotonic() - known.at >= timings.evictionTaint;
    }
    this.#sickSince.set(name, { uid, status: ready, at: clock.monotonic() });
    scheduler.after(timings.evictionTaint, () => this.reconcile(name));
    return false;
  }

  /** A Node came back without its machine. */
  #abandoned(name: string): void {
    this.#deps.scheduler.after(this.#deps.timings.nodeMonitorGrace, () => {
      if (!this.#machines.has(name)) this.#writeUnknown(name);
    });
  }

  #markUnknown(machine: Machine): void {
    if (machine.posting || this.#machines.get(machine.name) !== machine) return;
    this.#writeUnknown(machine.name);
  }

  #writeUnknown(name: string): void {
    const { nodes, clock } = this.#deps;
    const object = nodes.get(name);
    if (object === undefined) return;
    const node = nodeOf(object);
    const time = kubeTime(clock.now());
    const conditions = node.status.conditions.map((condition) => unknownFrom(condition, time));
    nodes.put(name, { ...node, status: { ...node.status, conditions } });
  }
}

function unknownFrom(condition: WireCondition, time: string): WireCondition {
  if (!KUBELET_CONDITIONS.has(condition.type) || condition.status === "Unknown") return condition;
  return {
    ...condition,
    status: "Unknown",
    lastTransitionTime: time,
    reason: "NodeStatusUnknown",
    message: "Kubelet stopped posting node status.",
  };
}

function mattersToTaints(before: NodeObject, after: NodeObject): boolean {
  return (
    before.spec !== after.spec ||
    conditionOf(before, "Ready")?.status !== conditionOf(after, "Ready")?.status ||
    conditionOf(before, "DiskPressure")?.status !== conditionOf(after, "DiskPressure")?.status
  );
}
