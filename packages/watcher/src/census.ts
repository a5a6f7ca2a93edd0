import { censusOf, type Census } from "@node-agent/shared/core/plan/census.ts";
import type { NodeSnapshot } from "@node-agent/shared/core/node.ts";

/** Counts the nodes that are seen, again only when one of them is another object: snapshots do not change. */
export function rememberedCensus(): (nodes: ReadonlyMap<string, NodeSnapshot>) => Census {
  let counted: readonly NodeSnapshot[] = [];
  let census = censusOf(counted);
  return (nodes) => {
    const seen = [...nodes.values()];
    const isSame = seen.length === counted.length && seen.every((node, i) => node === counted[i]);
    if (!isSame) {
      counted = seen;
      census = censusOf(seen);
    }
    return census;
  };
}
