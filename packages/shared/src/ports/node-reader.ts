import type { NodeSnapshot } from "../core/node.ts";

/** What a linearizable read of one node found. */
export type NodeReadResult =
  | {
      readonly found: true;
      readonly node: NodeSnapshot;
      /** Addresses and ranges of the node and its pods; absent: the reader was not made to read them. */
      readonly addresses?: readonly string[];
    }
  | { readonly found: false };

/** Reads one node from the API server without a cache (GET without resourceVersion, a quorum read: KEP-2340). */
export interface NodeReader {
  /** Throws `KubernetesApiError` when the answer is anything but the node or a clear 404. */
  read(name: string, signal?: AbortSignal): Promise<NodeReadResult>;
}
