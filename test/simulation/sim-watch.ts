import type { NodeSnapshot } from "@node-agent/shared/core/node.ts";
import type { Millis } from "@node-agent/shared/core/time.ts";
import type {
  NodeSource,
  NodeSourceHandlers,
  ServerVersion,
  ViewFreshness,
} from "@node-agent/shared/ports/node-source.ts";
import type { Incarnation } from "./incarnation.ts";
import type { World } from "./world.ts";

/** What is done to one event of a watch. */
export type EventFault = "Drop" | "Duplicate" | "Delay";

/**
 * The view of one watcher: a list, then events. Events may be lost, doubled, late or out of order, and a stale watch
 * hears nothing while its bytes look fresh; lists repair all that now and then.
 */
export class SimWatch implements NodeSource {
  /** No event and no list reaches this watch before then. */
  staleUntil: Millis = 0;
  #skew: Millis = 0;
  readonly #nodes = new Map<string, NodeSnapshot>();
  readonly #world: World;
  readonly #process: Incarnation;
  #handlers: NodeSourceHandlers | undefined;
  #synced = false;
  /** Events come one after the other, unless the weather says otherwise. */
  #busyUntil: Millis = 0;

  constructor(world: World, process: Incarnation) {
    this.#world = world;
    this.#process = process;
  }

  start(handlers: NodeSourceHandlers): void {
    this.#handlers ??= handlers;
    void this.#relistForEver();
  }

  async stop(): Promise<void> {
    this.#handlers = undefined;
  }

  nodes(): ReadonlyMap<string, NodeSnapshot> {
    return this.#nodes;
  }

  /** While the API server is up, bytes keep coming: bookmarks and heartbeats. */
  freshness(): ViewFreshness {
    const { time, apiDownSince } = this.#world;
    const silence = apiDownSince === undefined ? 0 : time.elapsed - apiDownSince;
    // The wall clock as it was when the byte came; it may be set meanwhile.
    if (apiDownSince === undefined) this.#skew = this.#process.skew;
    const lastByte = { wall: time.now + this.#skew - silence, monotonic: time.elapsed - silence };
    return { phase: "Watching", synced: this.#synced, ...(this.#synced ? { lastByte } : {}) };
  }

  /** The simulated etcd never goes back: nothing is ahead of it. */
  async serverVersion(): Promise<ServerVersion> {
    return { version: "9".repeat(30), viewIsAhead: false };
  }

  /** A Node object changed: an event is on its way. */
  changed(name: string): void {
    const { time, random, weather, network, apiDownSince, eventFault } = this.#world;
    if (!this.#synced || apiDownSince !== undefined || time.elapsed < this.staleUntil) return;
    const fault = eventFault?.(this.#process, name);
    if (fault === "Drop" || random.chance(weather.lostEvent)) {
      network.count.add("EventLost");
      return;
    }
    const snapshot = this.#selected(name);
    const lag = fault === "Delay" ? 12_000 : random.between(1, weather.slowestEvent);
    const reordered = fault === "Delay" || random.chance(weather.reorderedEvent);
    if (reordered) network.count.add("EventReordered");
    const at = reordered ? time.elapsed + lag : Math.max(this.#busyUntil, time.elapsed + lag);
    if (!reordered) this.#busyUntil = at;
    void this.#deliver(name, snapshot, at - time.elapsed);
    if (fault === "Duplicate" || random.chance(weather.doubledEvent)) {
      network.count.add("EventDoubled");
      void this.#deliver(name, snapshot, at - time.elapsed + random.between(0, 5000));
    }
  }

  #selected(name: string): NodeSnapshot | undefined {
    const { truth, selects } = this.#world;
    const snapshot = truth.snapshot(name);
    return snapshot !== undefined && selects(snapshot) ? snapshot : undefined;
  }

  async #deliver(name: string, snapshot: NodeSnapshot | undefined, delay: Millis): Promise<void> {
    await this.#process.hop(delay);
    await this.#apply(name, snapshot);
  }

  async #apply(name: string, snapshot: NodeSnapshot | undefined): Promise<void> {
    try {
      if (snapshot === undefined) {
        if (this.#nodes.delete(name)) await this.#handlers?.disappeared(name);
      } else {
        this.#nodes.set(name, snapshot);
        await this.#handlers?.changed([snapshot]);
      }
    } catch {
      // A real source counts what its handlers throw and goes on.
    }
  }

  async #relistForEver(): Promise<void> {
    const { random, weather, settings } = this.#world;
    await this.#process.hop(random.between(50, 500));
    while (this.#process.alive) {
      await this.#relist();
      const often = weather.lostEvent + weather.reorderedEvent > 0 ? 2 : 6;
      await this.#process.hop(random.between(1, often) * settings.resync);
    }
  }

  async #relist(): Promise<void> {
    const { time, random, weather, apiDownSince } = this.#world;
    if (apiDownSince !== undefined || time.elapsed < this.staleUntil) return;
    const listed = this.#world.listed().filter((one) => this.#world.selects(one));
    await this.#process.hop(random.between(1, weather.api.slowest));
    this.#synced = true;
    const names = new Set(listed.map(({ name }) => name));
    const changed = listed.filter(
      ({ name, resourceVersion }) => this.#nodes.get(name)?.resourceVersion !== resourceVersion,
    );
    for (const node of changed) this.#nodes.set(node.name, node);
    try {
      if (changed.length > 0) await this.#handlers?.changed(changed);
    } catch {
      // As above; the resync compares and publishes what was missed.
    }
    for (const name of [...this.#nodes.keys()].filter((one) => !names.has(one))) {
      await this.#apply(name, undefined);
    }
  }
}
