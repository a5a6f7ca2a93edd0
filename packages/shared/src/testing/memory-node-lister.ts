import type { NodeSnapshot } from "../core/node.ts";
import type { NodeLister } from "../ports/node-lister.ts";

/** The list of an API server in memory, over the nodes that another twin holds; faults on command. */
export class MemoryNodeLister implements NodeLister {
  /** How many lists were begun. */
  lists = 0;
  /** Breaks every list, after its first node, while it is set. */
  fault: Error | undefined;
  readonly #nodes: ReadonlyMap<string, NodeSnapshot>;

  constructor(nodes: ReadonlyMap<string, NodeSnapshot>) {
    this.#nodes = nodes;
  }

  async *list(signal: AbortSignal): AsyncIterable<NodeSnapshot> {
    this.lists += 1;
    for (const node of this.#nodes.values()) {
      signal.throwIfAborted();
      yield node;
      if (this.fault !== undefined) throw this.fault;
    }
    signal.throwIfAborted();
    if (this.fault !== undefined) throw this.fault;
  }
}
