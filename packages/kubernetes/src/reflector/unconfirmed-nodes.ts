import { DriftTally, type Drift } from "@node-agent/shared/contract/drift.ts";
import type { NodeCache } from "./node-cache.ts";
import { compareResourceVersions } from "./resource-version.ts";

/**
 * Nodes that a list on time did not have. The list does not say when they went, so it cannot say whether the watch has
 * passed them over. The watch goes on from before the list; those of which it says nothing until it has passed the list
 * are drift.
 */
export interface UnconfirmedNodes {
  /** Holds these until the watch has passed `version`; nothing is held when there are none. */
  hold(names: readonly string[], version: string): void;
  /** The watch has reached `seen`: the nodes that it passed over, as drift; undefined: none, or not yet. */
  passed(seen: string): { readonly drift: Drift; readonly names: readonly string[] } | undefined;
}

/** Holds nothing yet. */
export function createUnconfirmedNodes({ snapshots }: NodeCache): UnconfirmedNodes {
  let held: { readonly names: readonly string[]; readonly version: string } | undefined;
  return {
    hold: (names, version) => {
      held = names.length === 0 ? undefined : { names, version };
    },
    passed: (seen) => {
      if (held === undefined || compareResourceVersions(seen, held.version) === -1) return undefined;
      const names = held.names.filter((name) => snapshots.has(name));
      held = undefined;
      const tally = new DriftTally();
      for (const name of names) tally.add("Extra", name);
      const drift = tally.found();
      return drift === undefined ? undefined : { drift, names };
    },
  };
}
