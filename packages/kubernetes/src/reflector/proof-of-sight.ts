import { list, property, text } from "../raw-object.ts";
import { nameOf, versionOf, type NodeCache } from "./node-cache.ts";
import { compareResourceVersions } from "./resource-version.ts";

/**
 * The most nodes of which a quiet watch is proved current. Every kubelet posts its status each five minutes even when
 * nothing changes: a cluster with more nodes brings an event about each half second and is never quiet.
 */
export const MOST_PROVED = 500;

/** Asks for the metadata of all nodes, by quorum; a server that cannot leave out the rest sends whole objects. */
export const METADATA_QUERY: Readonly<Record<string, string>> = { limit: String(MOST_PROVED) };
export const METADATA_HEADERS: Readonly<Record<string, string>> = {
  accept: "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json",
};

/**
 * Whether a quorum read of all nodes proves that the watch has missed nothing until that read: every known node is there
 * under exactly the version that the watch brought, and every other node under none that is newer than what the watch
 * has reached. Any change in between would have left a newer version. The version of the list itself proves nothing: it
 * is that of the whole etcd, which moves with every lease.
 */
export function provesSight(page: unknown, cache: NodeCache, seen: string): boolean {
  if (text(property(page, "metadata"), "continue") !== undefined) return false;
  let known = 0;
  for (const item of list(page, "items")) {
    const version = versionOf(item);
    if (version === undefined) return false;
    const ours = cache.version(nameOf(item) ?? "");
    if (ours !== undefined) {
      if (ours !== version) return false;
      known += 1;
    } else {
      const order = compareResourceVersions(version, seen);
      if (order !== -1 && order !== 0) return false;
    }
  }
  return known === cache.snapshots.size;
}
