import type { NodeSnapshot } from "../core/node.ts";
import { momentOf, type Clock, type Moment } from "../ports/clock.ts";
import type { NodeSource, NodeSourceHandlers, ServerVersion, ViewFreshness } from "../ports/node-source.ts";

/** A cluster in memory; a test moves its nodes, the handlers hear of it. */
export class MemoryNodeSource implements NodeSource {
  readonly #nodes = new Map<string, NodeSnapshot>();
  /** What the API server says of its version; by default one that nothing was ever ahead of. */
  server: ServerVersion | Error = { version: "9".repeat(30), viewIsAhead: false };
  readonly #clock: Clock;
  #handlers: NodeSourceHandlers | undefined;
  #lastByte: Moment | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  start(handlers: NodeSourceHandlers): void {
    this.#handlers ??= handlers;
    this.touch();
  }

  async stop(): Promise<void> {
    this.#handlers = undefined;
  }

  freshness(): ViewFreshness {
    const lastByte = this.#lastByte;
    const phase = this.#handlers === undefined ? "Stopped" : "Watching";
    return { phase, synced: lastByte !== undefined, ...(lastByte === undefined ? {} : { lastByte }) };
  }

  async serverVersion(): Promise<ServerVersion> {
    if (this.server instanceof Error) throw this.server;
    return this.server;
  }

  nodes(): ReadonlyMap<string, NodeSnapshot> {
    return this.#nodes;
  }

  /** A byte arrived from the API server. */
  touch(): void {
    this.#lastByte = momentOf(this.#clock);
  }

  /** Nodes are new or changed, and the handlers are told. */
  async set(...nodes: readonly NodeSnapshot[]): Promise<void> {
    this.place(...nodes);
    await this.#handlers?.changed(nodes);
  }

  /** Nodes are new or changed, and nobody is told: an event that was lost. */
  place(...nodes: readonly NodeSnapshot[]): void {
    this.touch();
    for (const node of nodes) this.#nodes.set(node.name, node);
  }

  /** A node left the view. */
  async remove(name: string): Promise<void> {
    this.touch();
    this.#nodes.delete(name);
    await this.#handlers?.disappeared(name);
  }
}
