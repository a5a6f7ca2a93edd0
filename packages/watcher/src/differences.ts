import { SHARDS, shardOf } from "@node-agent/shared/contract/keys.ts";
import type { NodeSnapshot } from "@node-agent/shared/core/node.ts";
import type { StoredVersion } from "@node-agent/shared/ports/snapshot-store.ts";
import type { ResyncDeps } from "./resync.ts";

/** A node that is seen, and what is stored of it. */
export interface Pair {
  readonly node: NodeSnapshot;
  readonly stored: StoredVersion;
}

/** How what is seen differs from what is stored. */
export interface Differences {
  /** Seen, and not stored. */
  readonly unstored: readonly NodeSnapshot[];
  /** Stored with other content under an older version. */
  readonly older: readonly Pair[];
  /** Stored with other content under a version that is not older, or is none. */
  readonly doubts: readonly Pair[];
  /** Stored with the same content under a newer version. */
  readonly ahead: readonly Pair[];
  /** Stored, and not seen. */
  readonly unseen: readonly { readonly name: string; readonly stored: StoredVersion }[];
}

/** Compares all that is seen with all that is stored. Throws when Redis is away. */
export async function findDifferences(deps: ResyncDeps): Promise<Differences> {
  const { source, store } = deps;
  const seen = Map.groupBy(source.nodes().values(), (node) => shardOf(node.name));
  const unstored: NodeSnapshot[] = [];
  const pairs: Record<"older" | "doubts" | "ahead", Pair[]> = { older: [], doubts: [], ahead: [] };
  const unseen: { name: string; stored: StoredVersion }[] = [];
  for (let shard = 0; shard < SHARDS; shard += 1) {
    const all = await store.versions(shard);
    const cached = new Map((seen.get(shard) ?? []).map((node) => [node.name, node]));
    for (const node of cached.values()) {
      const stored = all.get(node.name);
      if (stored === undefined || stored.gone || stored.raw === "") unstored.push(node);
      else {
        const verdict = compare({ node, stored }, deps);
        if (verdict !== "same") pairs[verdict].push({ node, stored });
      }
    }
    for (const [name, stored] of all) if (!cached.has(name)) unseen.push({ name, stored });
  }
  return { unstored, ...pairs, unseen };
}

function compare(
  { node, stored }: Pair,
  { fingerprint, isNewer }: ResyncDeps,
): "same" | "older" | "doubts" | "ahead" {
  if (stored.uid === node.uid && stored.fingerprint === fingerprint(node)) {
    return isNewer(stored.resourceVersion, node.resourceVersion) ? "ahead" : "same";
  }
  return isNewer(node.resourceVersion, stored.resourceVersion) ? "older" : "doubts";
}

/** Tells of a node whether every look found the same of it: what stands in all of them is no news on its way. */
export function standing(looks: readonly Differences[]): (name: string) => boolean {
  const sets = looks.map(
    ({ unstored, older, doubts, unseen }) =>
      new Map([
        ...unstored.map(({ name }) => [name, "unstored"] as const),
        ...[...older, ...doubts].map(({ node, stored }) => [node.name, stored.raw] as const),
        ...unseen.map(({ name, stored }) => [name, `unseen ${stored.raw}`] as const),
      ]),
  );
  const [first] = sets;
  return (name) => first?.has(name) === true && sets.every((set) => set.get(name) === first.get(name));
}
