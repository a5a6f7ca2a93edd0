import type { NodeSnapshot } from "@node-agent/shared/core/node.ts";
import { instanceIdOf } from "@node-agent/shared/testing/builders.ts";
import { SECOND, type EpochMillis, type Millis } from "@node-agent/shared/core/time.ts";
import { Darkness } from "./darkness.ts";
import { Evidence } from "./evidence.ts";
import { allowanceOf } from "./oracle.ts";
import type { Settings } from "./settings.ts";
import { failingOf, showsSick, showsSilent, snapshotOf } from "./shown.ts";
import { TrueBreakers } from "./true-breakers.ts";
import type { Story } from "./story.ts";
import type { VirtualTime } from "./virtual-time.ts";

/** What can be wrong with a simulated machine. */
export type Sickness = "notReady" | "silent" | "gpuLost" | "cilium";

/** One VM and its node, as they really are. */
export interface Machine {
  readonly name: string;
  readonly pool: string;
  readonly zone: string | undefined;
  readonly gpus: number;
  readonly instanceId: string;
  uid: string;
  sickness: Sickness | "none";
  /** Since when the machine is well; undefined while it is sick or boots. */
  wellSince: EpochMillis | undefined;
  /** Since when it has been sick, or was sick last. */
  sickSince: EpochMillis | undefined;
  /** Since when it has not been well for long enough to count as cured; its attempts go on since then. */
  troubledSince: EpochMillis | undefined;
  readonly evidence: Evidence;
  booting: boolean;
  /** When it was rebooted last, until it is well again. */
  openSince: EpochMillis | undefined;
  bootNumber: number;
  /** The VM exists. */
  exists: boolean;
  /** Its Node object exists: it may be deleted and registered again while the VM lives on. */
  registered: boolean;
  /** What its Node object names as its VM, when that is not the truth. */
  claims: string | undefined;
  optedOutSince: EpochMillis | undefined;
  resourceVersion: number;
}

/** One reboot that really happened. */
export interface Execution {
  readonly instanceId: string;
  readonly node: string;
  /** The node for which the reboot was asked. */
  readonly askedFor: string;
  readonly at: EpochMillis;
  readonly wellSince: EpochMillis | undefined;
  /** What the clocks of its checkers were short of a threshold at least; undefined: it was not sick. */
  readonly shortBy: Millis | undefined;
  readonly gpu: boolean;
  /** Other VMs that were rebooted within their wait and have not been well since. */
  readonly openOthers: number;
  readonly openInPool: number;
  readonly openInZone: number;
  /** How many nodes there were, in all, in its pool and in its zone. */
  readonly nodes: number;
  readonly nodesInPool: number;
  readonly nodesInZone: number;
  readonly pausedSince: EpochMillis | undefined;
  /** For how long the cluster had been in sight again; undefined: it never was out of it. */
  readonly inSight: Millis | undefined;
  readonly optedOutSince: EpochMillis | undefined;
  /** Since when so many nodes around it have shown to be sick that it must be held; undefined: they do not. */
  readonly brokenSince: EpochMillis | undefined;
  /** An operator wants them repaired. */
  readonly granted: boolean;
}

/** A machine that was well for less than this was sick all the time, as far as a watch that is stale can tell. */
const BRIEFLY_WELL: Millis = 45 * SECOND;

/** The world as it is: machines, the API server's objects, and the log of executed reboots, which is the oracle. */
export class Truth {
  readonly machines = new Map<string, Machine>();
  readonly executions: Execution[] = [];
  readonly #time: VirtualTime;
  readonly #settings: Settings;
  readonly #story: Story;
  readonly #snapshots = new Map<string, NodeSnapshot>();
  readonly #byInstance = new Map<string, Machine>();
  #resourceVersion = 1000;
  #births = 0;
  readonly darkness: Darkness;
  /** Since when an operator's pause of the fleet stands. */
  pausedSince: EpochMillis | undefined;
  /** An operator granted repairs although a breaker is open. */
  granted = false;
  readonly #breakers: TrueBreakers;
  /** Told of every change of a Node object. */
  onChange: (name: string) => void = () => undefined;

  constructor(time: VirtualTime, settings: Settings, story: Story) {
    this.#time = time;
    this.#settings = settings;
    this.#story = story;
    this.darkness = new Darkness(time, settings.policy.viewMaxAge);
    this.#breakers = new TrueBreakers(settings.policy.breaker);
  }

  add(name: string, pool: string, gpus = 0, zone?: string): Machine {
    this.#births += 1;
    const machine: Machine = {
      name,
      pool,
      zone,
      gpus,
      uid: `uid-${this.#births}`,
      instanceId: instanceIdOf(`${name}-${this.#births}`),
      sickness: "none",
      wellSince: this.#time.now,
      sickSince: undefined,
      troubledSince: undefined,
      evidence: new Evidence(
        {
          seenSince: (since) => this.darkness.seenSince(since),
          stale: BRIEFLY_WELL,
          thresholdOf: (checker) => this.#settings.policy.checkers[checker].threshold,
        },
        this.#time.now,
      ),
      booting: false,
      openSince: undefined,
      bootNumber: 1,
      exists: true,
      registered: true,
      claims: undefined,
      optedOutSince: undefined,
      resourceVersion: 0,
    };
    this.machines.set(name, machine);
    this.#byInstance.set(machine.instanceId, machine);
    this.changed(machine);
    return machine;
  }

  /** The machine's object in the API server changed. */
  changed(machine: Machine): void {
    this.#resourceVersion += 1;
    machine.resourceVersion = this.#resourceVersion;
    machine.evidence.turn(failingOf(machine), this.#time.now);
    this.#snapshots.delete(machine.name);
    const seen = this.#nodes.map((one) => ({
      pool: one.pool,
      zone: one.zone,
      sick: showsSick(one),
      silent: showsSilent(one),
    }));
    this.#breakers.look(seen, this.#time.now);
    this.onChange(machine.name);
  }

  get #nodes(): Machine[] {
    return [...this.machines.values()].filter(({ exists, registered }) => exists && registered);
  }

  /** Since when so many nodes around this one have shown to be sick that it must be held. */
  brokenSince(machine: Machine): EpochMillis | undefined {
    return this.#breakers.since(machine);
  }

  sicken(machine: Machine, sickness: Sickness): void {
    machine.sickness = sickness;
    this.#story.tell(() => `TRUTH ${machine.name} is ${sickness}`);
    const { wellSince } = machine;
    const brief = wellSince !== undefined && this.#time.now - wellSince < BRIEFLY_WELL;
    if (wellSince !== undefined && !brief) machine.sickSince = this.#time.now;
    machine.sickSince ??= this.#time.now;
    // What a stale watch may have missed does not count as health.
    const cured = this.#settings.policy.storm.curedAfter + BRIEFLY_WELL;
    if (wellSince !== undefined && this.darkness.seenSince(wellSince) >= cured)
      machine.troubledSince = undefined;
    machine.troubledSince ??= this.#time.now;
    machine.wellSince = undefined;
    this.changed(machine);
  }

  heal(machine: Machine): void {
    machine.sickness = "none";
    if (!machine.booting) this.#well(machine);
    this.changed(machine);
  }

  /** A new machine under an old name; the old VM is gone. */
  replace(machine: Machine): Machine {
    machine.exists = false;
    return this.add(machine.name, machine.pool, machine.gpus, machine.zone);
  }

  /** The Node object is deleted while the VM lives on; it registers again as a new object. */
  deregister(machine: Machine): void {
    machine.registered = false;
    this.changed(machine);
  }

  register(machine: Machine): void {
    if (machine.registered) return;
    this.#births += 1;
    machine.uid = `uid-${this.#births}`;
    machine.registered = true;
    this.changed(machine);
  }

  /** The VM of that id, if it still exists. */
  byInstance(instanceId: string): Machine | undefined {
    const machine = this.#byInstance.get(instanceId);
    return machine?.exists === true ? machine : undefined;
  }

  /** The cloud carries out a reboot now; false when there is no such VM. */
  execute(instanceId: string, askedFor: string, bootsWell: boolean): boolean {
    const machine = this.byInstance(instanceId);
    if (machine === undefined) return false;
    const { name: node, wellSince, gpus, pool, zone, optedOutSince } = machine;
    const at = this.#time.now;
    const open = [...this.machines.values()].filter((one) => one !== machine && this.#isOpen(one));
    const nodes = this.#nodes;
    this.executions.push({
      instanceId,
      node,
      askedFor,
      at,
      wellSince,
      shortBy:
        wellSince === undefined ? machine.evidence.shortBy(at, allowanceOf(this.#settings)) : undefined,
      gpu: gpus > 0,
      openOthers: open.length,
      openInPool: open.filter((one) => one.pool === pool).length,
      openInZone: zone === undefined ? 0 : open.filter((one) => one.zone === zone).length,
      nodes: nodes.length,
      nodesInPool: nodes.filter((one) => one.pool === pool).length,
      nodesInZone: nodes.filter((one) => one.zone === zone).length,
      pausedSince: this.pausedSince,
      inSight: this.darkness.inSight(),
      optedOutSince,
      brokenSince: this.brokenSince(machine),
      granted: this.granted,
    });
    machine.evidence.rebooted();
    machine.openSince = at;
    machine.booting = true;
    machine.wellSince = undefined;
    machine.bootNumber += 1;
    this.changed(machine);
    const boot = machine.bootNumber;
    this.#time.at(this.#settings.bootTime, () => {
      // A second reboot while it booted starts the boot anew.
      if (machine.bootNumber !== boot || !machine.exists) return;
      machine.booting = false;
      if (bootsWell) machine.sickness = "none";
      if (machine.sickness === "none") this.#well(machine);
      this.changed(machine);
    });
    return true;
  }

  #well(machine: Machine): void {
    this.#story.tell(() => `TRUTH ${machine.name} is well`);
    machine.wellSince ??= this.#time.now;
    machine.openSince = undefined;
  }

  /**
   * A reboot is open until its machine is well, its result is known, or its wait is over. A machine that booted and fails a
   * checker for its threshold since its boot id changed is still bad; clocks may be ahead by as much as is allowed.
   */
  #isOpen(machine: Machine): boolean {
    const { openSince, gpus, exists, booting } = machine;
    const { policy, ledger } = this.#settings;
    const wait = gpus > 0 ? policy.rebootWait.gpu : policy.rebootWait.standard;
    if (!exists || openSince === undefined) return false;
    const thresholds = [...failingOf(machine)].map((checker) => policy.checkers[checker].threshold);
    const known = Math.max(policy.storm.settle, Math.min(...thresholds, wait));
    const end = booting ? wait : Math.min(wait, known) - ledger.clockSkew;
    return this.#time.now - openSince < end;
  }

  snapshot(name: string): NodeSnapshot | undefined {
    const machine = this.machines.get(name);
    if (machine === undefined || !machine.exists || !machine.registered) return undefined;
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
