import { allocateGpus } from "./gpu-allocation.ts";
import { HOUR, type EpochMillis, type Millis } from "@node-agent/shared/core/time.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import { kubeTime, type KubeObject } from "../kubernetes-api/kube-object.ts";
import type { ObjectStore } from "../kubernetes-api/object-store.ts";
import { newMachine, poolFrom, type PoolOptions } from "./births.ts";
import { Cloud, type RebootRecord } from "./cloud.ts";
import { breakMachine, healMachine, type Breakage, type Parts } from "./breakage.ts";
import { Flappers, type Flapping } from "./flapping.ts";
import { dressed, guiseOf, postGuise } from "./guise.ts";
import { Kubelets, type ActorDeps } from "./kubelets.ts";
import type { GpuAllocation, Machine, NodeFault, Pool } from "./machine.ts";
import { marked, type Marks } from "./marks.ts";
import { NodeController } from "./node-controller.ts";
import type { NodeLook } from "./node-labels.ts";
import { NodeEvents } from "./node-events.ts";
import { nodeOf } from "./node-object.ts";
import { Random } from "./random.ts";
import { Scheduler } from "./scheduler.ts";
import type { WorldTimings } from "./timings.ts";
import { truthOf, type NodeTruth } from "./truth.ts";

/** How old the nodes are that a world begins with: past every start-up grace. */
const INITIAL_AGE: Millis = 30 * 24 * HOUR;

/** Nobody is called that in this world. `code` serves the control endpoint's 404. */
export class UnknownNodeError extends Error {
  readonly code = "UnknownNode";
  override readonly name = "UnknownNodeError";

  constructor(node: string, known: readonly string[]) {
    super(`no node is called "${node}"; some that exist: ${known.slice(0, 5).join(", ") || "none"}`);
  }
}

/** What a world is made of. */
export interface WorldDeps {
  readonly clock: Clock;
  readonly nodes: ObjectStore;
  readonly events: ObjectStore;
  readonly timings: WorldTimings;
  readonly look: NodeLook;
  readonly cluster: string;
  readonly seed: number;
  readonly pools: readonly PoolOptions[];
}

/** The ground truth behind both APIs: machines, their kubelets, the controllers, the cloud. */
export class World implements AsyncDisposable {
  readonly pools: readonly Pool[];
  readonly cloud: Cloud;
  readonly scheduler: Scheduler;
  readonly timings: WorldTimings;
  readonly #machines = new Map<string, Machine>();
  readonly #deps: WorldDeps;
  readonly #random: Random;
  readonly #kubelets: Kubelets;
  readonly #controller: NodeController;
  readonly #flappers: Flappers;
  #born = 0;

  /** All nodes are there, Ready and old; their kubelets post from now on. */
  constructor(deps: WorldDeps) {
    this.#deps = deps;
    this.timings = deps.timings;
    this.#random = new Random(deps.seed);
    this.scheduler = new Scheduler(deps.clock);
    const actors: ActorDeps = { ...deps, scheduler: this.scheduler, random: this.#random };
    this.#controller = new NodeController(actors, this.#machines);
    this.#kubelets = new Kubelets(actors, this.#controller);
    this.cloud = new Cloud(actors, this.#kubelets, this.#controller);
    this.#flappers = new Flappers(this.#parts());
    this.pools = deps.pools.map((options) => poolFrom(options, this.#random, deps.look.region));
    for (const [index, pool] of this.pools.entries()) {
      const names = deps.pools[index]?.nodeNames ?? [];
      for (let nth = 0; nth < pool.count; nth += 1) this.#appear(pool, names[nth], INITIAL_AGE);
    }
    deps.nodes.compact();
    const events = new NodeEvents({ events: deps.events, clock: deps.clock, random: this.#random });
    deps.nodes.subscribe((change) => {
      this.#controller.observe(change);
      events.observe(change);
      if (change.type !== "DELETED") return;
      const machine = this.#machines.get(change.object.metadata.name);
      if (machine === undefined) return;
      if (machine.power === "gone") this.#machines.delete(machine.name);
      this.scheduler.after(this.timings.reregister, () => this.#kubelets.reregister(machine));
    });
  }

  /** Every reboot the cloud executed, oldest first: the oracle. */
  get reboots(): readonly RebootRecord[] {
    return this.cloud.reboots;
  }

  /** Names of all nodes that have a machine, gone ones included until their Node object is deleted. */
  names(): string[] {
    return [...this.#machines.keys()];
  }

  /** The machine behind a node. @throws {UnknownNodeError} */
  machine(name: string): Machine {
    const machine = this.#machines.get(name);
    if (machine === undefined) throw new UnknownNodeError(name, this.names());
    return machine;
  }

  /** A pool by its id or its name, or undefined. */
  pool(idOrName: string): Pool | undefined {
    return this.pools.find((pool) => pool.id === idOrName || pool.name === idOrName);
  }

  /** What is really the case with every node, next to what the API says. */
  truth(): NodeTruth[] {
    return this.names().map((name) => truthOf(this.machine(name), this.#deps.nodes.get(name)));
  }

  /** Breaks a node; the same fault twice replaces the first. With `flapping` it comes and goes. @throws {UnknownNodeError} */
  break(name: string, breakage: Breakage, flapping?: Flapping): void {
    const machine = this.machine(name);
    this.#flappers.stop(machine, breakage.fault);
    if (flapping === undefined) breakMachine(machine, breakage, this.#parts());
    else this.#flappers.start(machine, breakage, flapping);
  }

  /** A fault stands on the node, or comes and goes. @throws {UnknownNodeError} */
  isBroken(name: string): boolean {
    const machine = this.machine(name);
    return machine.faults.size > 0 || this.#flappers.has(machine);
  }

  /** Hands the GPUs of a node out in another way from now on. @throws {UnknownNodeError} */
  allocateGpus(name: string, by: GpuAllocation, labelled: boolean): void {
    const machine = this.machine(name);
    allocateGpus(machine, by, labelled, this.#deps.nodes);
    this.#kubelets.post(machine);
  }

  /** Takes one fault, or all of them, off a node; it recovers by itself without a boot. @throws {UnknownNodeError} */
  heal(name: string, fault?: NodeFault): void {
    const machine = this.machine(name);
    this.#flappers.stop(machine, fault);
    healMachine(machine, fault, this.#parts());
  }

  /**
   * Deletes the Node object and, unless `instance` is false, the instance with it. With `instance: false` and
   * `reregister: true` the living kubelet registers again under a new uid. @throws {UnknownNodeError}
   */
  deleteNode(name: string, options: { instance?: boolean; reregister?: boolean } = {}): void {
    const machine = this.machine(name);
    if (options.instance ?? true) {
      this.cloud.remove(machine);
      machine.pool.count = Math.max(0, machine.pool.count - 1);
      this.#machines.delete(name);
    } else {
      machine.unregistered = !(options.reregister ?? false);
    }
    this.#deps.nodes.delete(name);
  }

  /** Another machine takes the node's name: new instance, new uid. It is Ready at once. @throws {UnknownNodeError} */
  replaceNode(name: string): Machine {
    const { pool } = this.machine(name);
    this.deleteNode(name);
    pool.count += 1;
    return this.#appear(pool, name, 0);
  }

  /** The cloud loses the instance for good; the Node object stays and turns Unknown. @throws {UnknownNodeError} */
  forgetInstance(name: string): void {
    this.cloud.remove(this.machine(name));
  }

  /** Takes the provider id off the Node object. @throws {UnknownNodeError} */
  forgetProviderId(name: string): void {
    this.machine(name);
    const object = this.#deps.nodes.get(name);
    if (object === undefined) return;
    const node = nodeOf(object);
    const { providerID: _forgotten, ...spec } = node.spec;
    this.#deps.nodes.put(name, { ...node, spec });
  }

  /** Puts marks of others on a node, and takes them off. @throws {UnknownNodeError} */
  mark(name: string, marks: Marks): void {
    this.machine(name);
    const object = this.#deps.nodes.get(name);
    if (object === undefined) return;
    this.#deps.nodes.put(name, marked(nodeOf(object), marks, kubeTime(this.#deps.clock.now())));
  }

  /**
   * From now on the Node object reads as the given one, whatever becomes of the machine; its identity stays its own.
   * `sick` tells the oracle that a reboot is right. Without an object it reads as it is again. @throws {UnknownNodeError}
   */
  show(name: string, given: KubeObject | undefined, sick: boolean): void {
    const machine = this.machine(name);
    const object = this.#deps.nodes.get(name);
    machine.guise = given === undefined ? undefined : guiseOf(nodeOf(given), sick);
    if (object !== undefined && given !== undefined) {
      const { nodes, clock } = this.#deps;
      const worn = dressed(nodeOf(object), nodeOf(given));
      nodes.put(
        name,
        machine.guise === undefined ? worn : postGuise(worn, machine, machine.guise, clock.now()),
      );
    }
    this.#kubelets.post(machine);
    this.#controller.reconcile(name);
  }

  /** One more node in a pool: Ready at once, or (`build`) through BUILDING and a first boot. */
  addNode(pool: Pool, options: { name?: string | undefined; build?: boolean | undefined } = {}): Machine {
    pool.count += 1;
    if (options.build !== true) return this.#appear(pool, options.name, 0);
    const machine = this.#conceive(pool, options.name);
    this.cloud.build(machine);
    return machine;
  }

  /** Civo's recycle: instance and host name disappear at once, another node is built; the count stays. */
  recycle(machine: Machine): Machine {
    this.deleteNode(machine.name);
    return this.addNode(machine.pool, { build: true });
  }

  /** The store went back in time: kubelets and controllers look at it anew, as they would after their watches broke. */
  restored(): void {
    this.#controller.restored();
    for (const machine of this.#machines.values()) {
      if (this.#deps.nodes.get(machine.name) !== undefined) continue;
      this.scheduler.after(this.timings.reregister, () => this.#kubelets.reregister(machine));
    }
  }

  /** Lease renewals are computed, not stored: when a machine's kubelet last renewed. */
  leaseRenewedAt(machine: Machine): EpochMillis {
    const at = machine.posting ? this.#deps.clock.now() : machine.silentSince;
    const period = Math.max(1, this.timings.leasePeriod);
    return machine.bootedAt + Math.floor((at - machine.bootedAt) / period) * period;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.scheduler[Symbol.asyncDispose]();
  }

  #appear(pool: Pool, name: string | undefined, age: Millis): Machine {
    const machine = this.#conceive(pool, name);
    this.cloud.add(machine);
    this.#kubelets.appear(machine, age);
    return machine;
  }

  #conceive(pool: Pool, name: string | undefined): Machine {
    const made = `${this.#deps.cluster}-${pool.name}-${this.#random.text(5)}`;
    const machine = newMachine({
      name: name ?? made,
      pool,
      index: (this.#born += 1),
      random: this.#random,
      clock: this.#deps.clock,
    });
    this.#machines.set(machine.name, machine);
    return machine;
  }

  #parts(): Parts {
    return {
      kubelets: this.#kubelets,
      controller: this.#controller,
      scheduler: this.scheduler,
      timings: this.timings,
    };
  }
}
