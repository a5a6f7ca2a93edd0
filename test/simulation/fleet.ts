import { SECOND } from "@node-agent/shared/core/time.ts";
import { Incarnation } from "./incarnation.ts";
import { startWatcher, type SimWatcher } from "./sim-watcher.ts";
import { startWorker } from "./sim-worker.ts";
import type { World } from "./world.ts";

type Role = "watcher" | "worker";

/** The processes of the fleet: who dies is started anew after a while, as an orchestrator would. */
export class Fleet {
  readonly #world: World;
  readonly #living = new Map<string, Incarnation>();
  readonly #watchers = new Map<string, SimWatcher>();
  #incarnations = 0;
  #stopped = false;

  constructor(world: World) {
    this.#world = world;
    world.network.crash = (process) => this.crash(process);
    world.truth.onChange = (name) => {
      for (const { watch } of this.#watchers.values()) watch.changed(name);
    };
  }

  start(): void {
    this.startWatchers();
    this.startWorkers();
    this.#tick();
  }

  startWatchers(): void {
    for (const name of ["watcher-1", "watcher-2"]) this.#launch(name, "watcher");
  }

  startWorkers(): void {
    for (const name of ["worker-1", "worker-2", "worker-3"]) this.#launch(name, "worker");
  }

  /** Everybody ends, and nobody comes back by himself. */
  stopAll(): void {
    for (const process of this.#living.values()) process.crash();
    this.#living.clear();
    this.#watchers.clear();
    this.#world.queues.prune();
  }

  get processes(): Incarnation[] {
    return [...this.#living.values()];
  }

  get watchers(): SimWatcher[] {
    return [...this.#watchers.values()];
  }

  crash(process: Incarnation): void {
    if (!process.alive) return;
    const { network, time, random, queues } = this.#world;
    network.count.crashes += 1;
    network.story.tell(() => `${process.name} is dead`);
    process.crash();
    const name = process.name.split("#")[0] ?? process.name;
    this.#living.delete(name);
    this.#watchers.delete(name);
    queues.prune();
    const role = name.startsWith("watcher") ? "watcher" : "worker";
    time.at(random.between(200, 5000), () => this.#launch(name, role));
  }

  stop(): void {
    this.#stopped = true;
    for (const process of this.#living.values()) process.crash();
  }

  #launch(name: string, role: Role): void {
    if (this.#stopped) return;
    const world = this.#world;
    const { random, time } = world;
    this.#incarnations += 1;
    const skew = world.drift ?? Math.round(random.between(-1, 1) * world.apiSkew + random.between(-500, 500));
    const process = new Incarnation(`${name}#${this.#incarnations}`, skew, time);
    world.story.tell(() => `${process.name} starts, its clock is off by ${skew} ms`);
    this.#living.set(name, process);
    if (role === "watcher") this.#watchers.set(name, startWatcher(world, process));
    else startWorker(world, process);
  }

  /** One tick of the resync for the whole fleet: whichever watcher sees the cluster takes it. */
  #tick(): void {
    const { time, random, settings, apiDownSince, weather, twist } = this.#world;
    if (twist.withoutResync === true) return;
    time.at(settings.resync, () => this.#tick());
    const able = this.watchers.filter(({ process }) => process.alive && !process.frozen);
    if (able.length === 0 || apiDownSince !== undefined || weather.redis.down) return;
    if (time.elapsed < SECOND) return;
    void random.pick(able).resync();
  }
}
