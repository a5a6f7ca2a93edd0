import type { NodeSnapshot } from "../core/node.ts";

/** Lists the nodes of the cluster as they are now, without a cache. */
export interface NodeLister {
  /** Throws `KubernetesApiError` when the list breaks. */
  list(signal: AbortSignal): AsyncIterable<NodeSnapshot>;
}
