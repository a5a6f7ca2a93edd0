import type { EpochMillis, Millis } from "@node-agent/shared/core/time.ts";
import { isHealthy, type Instance, type Machine, type Pool } from "./machine.ts";
import type { ActorDeps, Kubelets } from "./kubelets.ts";
import type { NodeController } from "./node-controller.ts";

/** One executed reboot: the oracle of every test that counts reboots. Refused calls do not appear here. */
export interface RebootRecord {
  readonly instanceId: string;
  readonly node: string;
  readonly kind: "hard" | "soft";
  /** When the machine went down. */
  readonly at: EpochMillis;
  /** When the call arrived; earlier than `at` when a fault made the cloud late. */
  readonly requestAt: EpochMillis;
  /** The machine was well at that moment: a reboot that should not have been. */
  readonly healthyAtExecution: boolean;
  readonly bootIdBefore: string;
}

/** One entry of the cloud's audit trail. */
export interface ActionRecord {
  readonly id: number;
  readonly at: EpochMillis;
  readonly type: string;
  readonly details: string;
  readonly relatedId: string;
  readonly relatedType: "instance" | "cluster";
}

/** The cloud refused because of the instance's status. */
export class InstanceBusyError extends Error {
  readonly code = "instance_state_must_be_active_or_shutoff";
  override readonly name = "InstanceBusyError";
}

/** What the cloud does to instances, with the machines that hang on them. */
export class Cloud {
  readonly reboots: RebootRecord[] = [];
  readonly actions: ActionRecord[] = [];
  readonly #deps: ActorDeps;
  readonly #kubelets: Kubelets;
  readonly #controller: NodeController;
  readonly #machines = new Map<string, Machine>();

  constructor(deps: ActorDeps, kubelets: Kubelets, controller: NodeController) {
    this.#deps = deps;
    this.#kubelets = kubelets;
    this.#controller = controller;
  }

  /** Instances the cloud knows of, in the order of their creation. */
  machines(): Machine[] {
    return [...this.#machines.values()];
  }

  /** The machine of an instance id, or undefined when the cloud does not know it. */
  find(instanceId: string): Machine | undefined {
    return this.#machines.get(instanceId);
  }

  machinesOf(pool: Pool): Machine[] {
    return this.machines().filter((machine) => machine.pool === pool);
  }

  add(machine: Machine): void {
    this.#machines.set(machine.instance.id, machine);
  }

  /** A new instance is built and boots. */
  build(machine: Machine): void {
    this.add(machine);
    this.#note("instance-create", machine);
    machine.instance.status = "BUILDING";
    this.#later(machine, this.#deps.timings.build, () => {
      this.#setStatus(machine, "ACTIVE");
      this.#boot(machine, this.#deps.timings.boot);
    });
  }

  /** Reboots now. @throws {InstanceBusyError} unless the instance is ACTIVE or SHUTOFF. */
  reboot(machine: Machine, kind: "hard" | "soft", requestAt: EpochMillis): RebootRecord {
    const { status } = machine.instance;
    if (status !== "ACTIVE" && status !== "SHUTOFF") {
      throw new InstanceBusyError(`The instance is ${status}; it must be ACTIVE or SHUTOFF to be rebooted`);
    }
    const record: RebootRecord = {
      instanceId: machine.instance.id,
      node: machine.name,
      kind,
      at: this.#deps.clock.now(),
      requestAt,
      healthyAtExecution: isHealthy(machine),
      bootIdBefore: machine.bootId,
    };
    this.reboots.push(record);
    this.#note(kind === "hard" ? "instance-hard-reboot" : "instance-soft-reboot", machine);
    this.#powerOff(machine);
    this.#setStatus(machine, "REBOOTING");
    this.#later(machine, this.#deps.timings.cloudReboot, () => this.#setStatus(machine, "ACTIVE"));
    this.#boot(machine, this.#deps.timings.boot);
    return record;
  }

  /** The machine boots again by the hand of another controller on it (`reboot` in a pod): the cloud knows nothing of it. */
  bounce(machine: Machine): void {
    if (machine.power !== "on") return;
    this.#powerOff(machine);
    this.#boot(machine, this.#deps.timings.boot);
  }

  /** Stops the instance; already stopped is fine. */
  stop(machine: Machine): void {
    if (machine.instance.status === "SHUTOFF") return;
    this.#note("instance-stop", machine);
    this.#powerOff(machine);
    this.#setStatus(machine, "STOPPING");
    this.#later(machine, this.#deps.timings.stop, () => this.#setStatus(machine, "SHUTOFF"));
  }

  /** Starts a stopped instance; one that runs is left alone. */
  start(machine: Machine): void {
    if (machine.instance.status === "ACTIVE") return;
    this.#note("instance-start", machine);
    this.#cancel(machine);
    this.#setStatus(machine, "ACTIVE");
    this.#boot(machine, this.#deps.timings.boot);
  }

  /** The cloud forgets the instance and its machine is gone; the Node object stays, as on Civo. */
  remove(machine: Machine): void {
    this.#powerOff(machine);
    machine.power = "gone";
    machine.instance.status = "DELETING";
    this.#machines.delete(machine.instance.id);
    this.#note("instance-delete", machine);
  }

  #boot(machine: Machine, span: Millis): void {
    this.#later(machine, span, () => {
      for (const [fault, state] of machine.faults) {
        state.reboots -= 1;
        if (state.reboots <= 0) machine.faults.delete(fault);
      }
      machine.bootId = this.#deps.random.uuid();
      machine.bootedAt = this.#deps.clock.now();
      this.#kubelets.start(machine);
    });
  }

  #powerOff(machine: Machine): void {
    this.#cancel(machine);
    machine.power = "off";
    this.#kubelets.powerOff(machine);
  }

  #setStatus(machine: Machine, status: Instance["status"]): void {
    machine.instance.status = status;
    this.#controller.instanceChanged(machine);
  }

  #later(machine: Machine, span: Millis, run: () => void): void {
    const appointment = this.#deps.scheduler.after(span, () => {
      machine.cloudAppointments.delete(appointment);
      run();
    });
    machine.cloudAppointments.add(appointment);
  }

  #cancel(machine: Machine): void {
    for (const appointment of machine.cloudAppointments) appointment.cancel();
    machine.cloudAppointments.clear();
  }

  #note(type: string, machine: Machine): void {
    this.actions.push({
      id: 267_531_000 + this.actions.length,
      at: this.#deps.clock.now(),
      type,
      details: `${type} of ${machine.name}`,
      relatedId: machine.instance.id,
      relatedType: "instance",
    });
  }
}
