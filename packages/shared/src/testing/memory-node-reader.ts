import type { NodeSnapshot } from "../core/node.ts";
import type { NodeReader, NodeReadResult } from "../ports/node-reader.ts";

/** An API server in memory: the nodes that exist, and faults on command. */
export class MemoryNodeReader implements NodeReader {
  /** The nodes that exist, by name. */
  readonly nodes = new Map<string, NodeSnapshot>();
  /** Addresses of nodes and their pods, where a test has any. */
  readonly addresses = new Map<string, readonly string[]>();
  /** Every name that was read, in order. */
  readonly reads: string[] = [];
  /** Thrown by every read while it is set. */
  fault: Error | undefined;

  set(...nodes: readonly NodeSnapshot[]): void {
    for (const node of nodes) this.nodes.set(node.name, node);
  }

  async read(name: string, signal?: AbortSignal): Promise<NodeReadResult> {
    this.reads.push(name);
    signal?.throwIfAborted();
    if (this.fault !== undefined) throw this.fault;
    const node = this.nodes.get(name);
    if (node === undefined) return { found: false };
    const addresses = this.addresses.get(name);
    return { found: true, node, ...(addresses === undefined ? {} : { addresses }) };
  }
}
