import type { Kubelets } from "./kubelets.ts";
import type { FaultState, Machine, NodeFault } from "./machine.ts";
import type { NodeController } from "./node-controller.ts";
import type { Scheduler } from "./scheduler.ts";
import type { WorldTimings } from "./timings.ts";

/** How a node is to be broken. */
export interface Breakage {
  readonly fault: NodeFault;
  /** true (default): the next reboot cures it; false: no reboot does; a number: so many reboots do. */
  readonly curedByReboot?: boolean | number | undefined;
  /** For `lose-gpus`: how many; default all. */
  readonly gpus?: number | "all" | undefined;
}

/** The fault needs GPUs and the node has none. */
export class NoGpusError extends Error {
  readonly code = "NoGpus";
  override readonly name = "NoGpusError";
}

/** The actors that show a fault. */
export interface Parts {
  readonly kubelets: Kubelets;
  readonly controller: NodeController;
  readonly scheduler: Scheduler;
  readonly timings: WorldTimings;
}

/** Puts a fault on a machine and lets its actors show it. @throws {NoGpusError} */
export function breakMachine(machine: Machine, breakage: Breakage, parts: Parts): void {
  const { fault } = breakage;
  if ((fault === "lose-gpus" || fault === "device-plugin-dead") && machine.pool.gpus === 0) {
    throw new NoGpusError(
      `${fault} needs a GPU node; ${machine.name} is in pool "${machine.pool.name}" without GPUs`,
    );
  }
  machine.faults.set(fault, faultState(machine, breakage));
  if (fault === "kubelet-dead") parts.kubelets.silence(machine);
  if (fault === "device-plugin-dead") forgetPluginLater(machine, parts);
  parts.kubelets.post(machine);
  parts.controller.reconcile(machine.name);
}

/** Takes faults off a machine; what they broke works again at once. */
export function healMachine(machine: Machine, fault: NodeFault | undefined, parts: Parts): void {
  if (fault === undefined) machine.faults.clear();
  else machine.faults.delete(fault);
  if (!machine.faults.has("device-plugin-dead") && machine.runtimeUp) {
    machine.pluginUp = true;
    machine.pluginForgotten = false;
  }
  if (!machine.faults.has("kubelet-dead")) parts.kubelets.resume(machine);
  parts.kubelets.post(machine);
  parts.controller.reconcile(machine.name);
}

function faultState(machine: Machine, { fault, curedByReboot = true, gpus = "all" }: Breakage): FaultState {
  const reboots = typeof curedByReboot === "number" ? curedByReboot : curedByReboot ? 1 : Infinity;
  if (fault !== "lose-gpus") return { reboots };
  return { reboots, gpus: gpus === "all" ? machine.pool.gpus : Math.min(gpus, machine.pool.gpus) };
}

/** The kubelet keeps the capacity of a vanished plugin for a grace, then reports 0. */
function forgetPluginLater(machine: Machine, { scheduler, timings, kubelets }: Parts): void {
  const { bootId } = machine;
  scheduler.after(timings.pluginGrace, () => {
    if (machine.bootId !== bootId || !machine.faults.has("device-plugin-dead")) return;
    machine.pluginForgotten = true;
    kubelets.post(machine);
  });
}
