import type { NodeSnapshot } from "@node-agent/shared/core/node.ts";
import { toSnapshot } from "@node-agent/shared/core/snapshot.ts";
import { aNode, instanceIdOf } from "@node-agent/shared/testing/builders.ts";
import type { EpochMillis, Millis } from "@node-agent/shared/core/time.ts";
import { POLICY } from "./settings.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** What can be wrong with a simulated machine. */
export type Sickness = "none" | "notReady" | "silent" | "gpuLost";

/** One VM and its node, as they really are. */
export interface Machine {
  readonly name: string;
  readonly pool: string;
  readonly gpus: number;
  uid: string;
  instanceId: string;
  sickness: Sickness;
  /** Since when the machine is well; undefined while it is sick or boots. */
  wellSince: EpochMillis | undefined;
  booting: boolean;
  /** When it was rebooted last, until it is well again. */
  openSince: EpochMillis | undefined;
  bootNumber: number;
  /** False: no reboot cures it. */
  curable: boolean;
  exists: boolean;
  resourceVersion: number;
}

/** One reboot that really happened. */
export interface Execution {
  readonly instanceId: string;
  readonly node: string;
  readonly at: EpochMillis;
  readonly wellSince: EpochMillis | undefined;
  readonly gpu: boolean;
  /** Other VMs that were rebooted within their wait and have not been well since. */
  readonly openOthers: number;
  readonly openInPool: number;
}

/** The world as it is: machines, the API server's objects, and the log of executed reboots, which is the oracle. */
export class Truth {
  readonly machines = new Map<string, Machine>();
  readonly executions: Execution[] = [];
  readonly #time: VirtualTime;
  readonly #snapshots = new Map<string, NodeSnapshot>();
  #resourceVersion = 1000;
  #births = 0;

  constructor(time: VirtualTime) {
    this.#time = time;
  }

  add(name: string, pool: string, gpus: number): Machine {
    this.#births += 1;
    const machine: Machine = {
      name,
      pool,
      gpus,
      uid: `uid-${this.#births}`,
      instanceId: instanceIdOf(`${name}-${this.#births}`),
      sickness: "none",
      wellSince: this.#time.now,
      booting: false,
      openSince: undefined,
      bootNumber: 1,
      curable: true,
      exists: true,
      resourceVersion: 0,
    };
    this.machines.set(name, machine);
    this.changed(machine);
    return machine;
  }

  /** The machine's object in the API server changed. */
  changed(machine: Machine): void {
    this.#resourceVersion += 1;
    machine.resourceVersion = this.#resourceVersion;
    this.#snapshots.delete(machine.name);
  }

  sicken(machine: Machine, sickness: Exclude<Sickness, "none">): void {
    machine.sickness = sickness;
    machine.wellSince = undefined;
    this.changed(machine);
  }

  heal(machine: Machine): void {
    machine.sickness = "none";
    if (!machine.booting) this.#well(machine);
    this.changed(machine);
  }

  /** A new machine under an old name. */
  replace(machine: Machine): void {
    this.add(machine.name, machine.pool, machine.gpus);
  }

  remove(machine: Machine): void {
    machine.exists = false;
    this.#resourceVersion += 1;
    this.#snapshots.delete(machine.name);
  }

  /** The cloud carries out a reboot now; false when there is no such VM. */
  execute(instanceId: string, bootTime: Millis, bootsWell: boolean): boolean {
    const machine = [...this.machines.values()].find((one) => one.instanceId === instanceId && one.exists);
    if (machine === undefined) return false;
    const { name: node, wellSince, gpus, pool } = machine;
    const at = this.#time.now;
    const open = [...this.machines.values()].filter((one) => one !== machine && this.#isOpen(one));
    const openInPool = open.filter((one) => one.pool === pool).length;
    this.executions.push({
      instanceId,
      node,
      at,
      wellSince,
      gpu: gpus > 0,
      openOthers: open.length,
      openInPool,
    });
    machine.openSince = at;
    machine.booting = true;
    machine.wellSince = undefined;
    machine.bootNumber += 1;
    this.changed(machine);
    const boot = machine.bootNumber;
    this.#time.at(bootTime, () => {
      // A second reboot while it booted starts the boot anew.
      if (machine.bootNumber !== boot || !machine.exists) return;
      machine.booting = false;
      if (machine.curable && bootsWell) machine.sickness = "none";
      if (machine.sickness === "none") this.#well(machine);
      this.changed(machine);
    });
    return true;
  }

  #well(machine: Machine): void {
    machine.wellSince ??= this.#time.now;
    machine.openSince = undefined;
  }

  #isOpen({ openSince, gpus, exists }: Machine): boolean {
    const wait = gpus > 0 ? POLICY.rebootWait.gpu : POLICY.rebootWait.standard;
    return exists && openSince !== undefined && this.#time.now - openSince < wait;
  }

  snapshot(name: string): NodeSnapshot | undefined {
    const machine = this.machines.get(name);
    if (machine === undefined || !machine.exists) return undefined;
    const cached = this.#snapshots.get(name);
    if (cached !== undefined) return cached;
    const made = snapshotOf(machine, this.#time.start);
    this.#snapshots.set(name, made);
    return made;
  }

  snapshots(): NodeSnapshot[] {
    return [...this.machines.keys()].flatMap((name) => this.snapshot(name) ?? []);
  }
}

function snapshotOf(machine: Machine, createdAt: EpochMillis): NodeSnapshot {
  const { sickness, booting } = machine;
  let node = aNode(machine.name)
    .uid(machine.uid)
    .pool(machine.pool)
    .providerId(`civo://${machine.instanceId}`)
    .bootId(`${machine.uid}-boot-${machine.bootNumber}`)
    .createdAt(createdAt - 86_400_000)
    .resourceVersion(String(machine.resourceVersion));
  if (sickness === "silent") node = node.unknown();
  else if (sickness === "notReady" || booting) node = node.notReady();
  else node = node.ready();
  if (machine.gpus > 0) {
    const lost = sickness === "gpuLost" || booting;
    node = node.gpu(machine.gpus, lost ? { allocatable: machine.gpus - 1 } : {});
  }
  const result = toSnapshot(node.raw());
  if (!result.ok) throw new TypeError(result.error);
  return result.snapshot;
}
