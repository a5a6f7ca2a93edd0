import type { Clock } from "@node-agent/shared/ports/clock.ts";
import type { Millis } from "@node-agent/shared/core/time.ts";
import type { ObjectStore } from "../kubernetes-api/object-store.ts";
import { postGuise } from "./guise.ts";
import type { Machine } from "./machine.ts";
import { newNode } from "./node-birth.ts";
import type { NodeController } from "./node-controller.ts";
import type { NodeLook } from "./node-labels.ts";
import { nodeOf } from "./node-object.ts";
import { postStatus } from "./node-status.ts";
import type { Random } from "./random.ts";
import type { Scheduler } from "./scheduler.ts";
import type { WorldTimings } from "./timings.ts";

/** What the actors of the world share. */
export interface ActorDeps {
  readonly nodes: ObjectStore;
  readonly scheduler: Scheduler;
  readonly clock: Clock;
  readonly timings: WorldTimings;
  readonly look: NodeLook;
  readonly random: Random;
}

/** All kubelets with their device plugins: they post, fall silent, and start again after a boot. */
export class Kubelets {
  readonly #deps: ActorDeps;
  readonly #controller: NodeController;

  constructor(deps: ActorDeps, controller: NodeController) {
    this.#deps = deps;
    this.#controller = controller;
  }

  /** A kubelet that has been up for long: registered, Ready, plugin registered. `age` dates its Node object. */
  appear(machine: Machine, age: Millis): void {
    machine.power = "on";
    machine.runtimeUp = true;
    machine.pluginUp = true;
    this.#register(machine, age);
    this.#beginPosting(machine);
  }

  /** The kernel has booted: the kubelet comes up step by step, as far as the machine's faults allow. */
  start(machine: Machine): void {
    const { scheduler, timings } = this.#deps;
    machine.power = "on";
    machine.runtimeUp = false;
    machine.pluginUp = false;
    machine.pluginForgotten = false;
    machine.unregistered = false;
    this.#forgetAppointments(machine);
    machine.kubeletAppointments.add(
      scheduler.after(timings.kubeletReady, () => {
        machine.runtimeUp = true;
        this.post(machine);
      }),
    );
    if (machine.pool.gpus > 0) {
      machine.kubeletAppointments.add(
        scheduler.after(timings.devicePlugin, () => {
          machine.pluginUp = !machine.faults.has("device-plugin-dead");
          this.post(machine);
        }),
      );
    }
    if (machine.faults.has("kubelet-dead")) return;
    this.#register(machine, 0);
    this.#beginPosting(machine);
  }

  /** The kubelet is heard again after a silence without a boot. */
  resume(machine: Machine): void {
    if (machine.power !== "on" || machine.posting) return;
    this.#register(machine, 0);
    this.#beginPosting(machine);
  }

  /** The kubelet posts no more; the node controller notices after its grace. */
  silence(machine: Machine): void {
    if (!machine.posting) return;
    machine.posting = false;
    machine.heartbeat?.cancel();
    machine.silentSince = this.#deps.clock.now();
    this.#controller.silent(machine);
  }

  /** Silence because the machine is off: whatever was coming up is gone as well. */
  powerOff(machine: Machine): void {
    this.silence(machine);
    this.#forgetAppointments(machine);
  }

  /** Posts the status now, as a kubelet does when something changed; nothing happens while it is silent. */
  post(machine: Machine): void {
    const { nodes, look, clock } = this.#deps;
    const object = machine.posting ? nodes.get(machine.name) : undefined;
    if (object === undefined) return;
    const node = nodeOf(object);
    const now = clock.now();
    const { guise } = machine;
    const posted =
      guise === undefined ? postStatus(node, machine, look, now) : postGuise(node, machine, guise, now);
    nodes.put(machine.name, posted);
  }

  /** Registers the Node object again after somebody deleted it, unless it is meant to stay away. */
  reregister(machine: Machine): void {
    if (!machine.posting || machine.unregistered) return;
    this.#register(machine, 0);
    this.post(machine);
  }

  #register(machine: Machine, age: Millis): void {
    const { nodes, look, random, clock } = this.#deps;
    if (machine.unregistered || nodes.get(machine.name) !== undefined) return;
    nodes.put(machine.name, newNode(machine, look, random.uuid(), clock.now() - age));
  }

  #beginPosting(machine: Machine): void {
    machine.posting = true;
    this.#controller.heard(machine);
    this.post(machine);
    // Kubelets of a fleet do not post in step.
    this.#heartbeatAfter(machine, this.#deps.timings.statusPeriod * (0.05 + 0.95 * this.#deps.random.next()));
  }

  #heartbeatAfter(machine: Machine, span: Millis): void {
    machine.heartbeat = this.#deps.scheduler.after(span, () => {
      this.post(machine);
      this.#heartbeatAfter(machine, this.#deps.timings.statusPeriod);
    });
  }

  #forgetAppointments(machine: Machine): void {
    for (const appointment of machine.kubeletAppointments) appointment.cancel();
    machine.kubeletAppointments.clear();
  }
}
