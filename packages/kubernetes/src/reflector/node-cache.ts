import { isDeepStrictEqual } from "node:util";
import type { NodeSnapshot } from "@node-agent/shared/core/node.ts";
import type { ProjectNode } from "../node-reader.ts";
import { property, text } from "../raw-object.ts";
import { compareResourceVersions } from "./resource-version.ts";

/** What an object did to the cache. */
export type CacheOutcome =
  | { readonly kind: "Changed"; readonly snapshot: NodeSnapshot; readonly replaced: boolean }
  | { readonly kind: "Gone"; readonly name: string }
  | { readonly kind: "Unchanged" }
  | { readonly kind: "Old" }
  | { readonly kind: "Malformed" }
  | { readonly kind: "NotSelected" };

/** The nodes of one cluster as last seen. */
export interface NodeCache {
  /**
   * Takes in an object of a list: the state of the cluster, whatever was known before. A node that is not selected
   * stays until `forget`, like one that the list does not have: a wrong label may take away a whole fleet.
   */
  listed(node: unknown): CacheOutcome;
  /**
   * Takes in an object of a watch event: dropped when it is not newer than what is known of the node, or for a node
   * that is not known (any more) than `seen`, the newest version of the whole stream: events come in their order.
   */
  watched(kind: "ADDED" | "MODIFIED" | "DELETED", node: unknown, seen: string): CacheOutcome;
  forget(name: string): void;
  /** The newest version seen of a known node, of a heartbeat too. */
  version(name: string): string | undefined;
  readonly snapshots: ReadonlyMap<string, NodeSnapshot>;
}

/** What a cache judges by. */
export interface NodeCacheDeps {
  readonly project: ProjectNode;
  /** Content of a snapshot without its resourceVersion: equal means nothing has changed. */
  readonly fingerprint: (snapshot: NodeSnapshot) => string;
  readonly selects: (node: unknown) => boolean;
}

/** The name of a raw object, or undefined when it is none. */
export function nameOf(node: unknown): string | undefined {
  return text(property(node, "metadata"), "name");
}

/** The resourceVersion of a raw object, or undefined when it has none. */
export function versionOf(node: unknown): string | undefined {
  return text(property(node, "metadata"), "resourceVersion");
}

function withIdentity(node: unknown, take: (name: string, version: string) => CacheOutcome): CacheOutcome {
  const name = nameOf(node);
  const version = versionOf(node);
  return name === undefined || version === undefined ? { kind: "Malformed" } : take(name, version);
}

/** Whether two snapshots differ in nothing but the version, as most events do; costs a fraction of a fingerprint. */
function isHeartbeat(known: NodeSnapshot, snapshot: NodeSnapshot): boolean {
  return isDeepStrictEqual({ ...snapshot, resourceVersion: known.resourceVersion }, known);
}

/** Makes an empty cache. */
export function createNodeCache({ project, fingerprint, selects }: NodeCacheDeps): NodeCache {
  const snapshots = new Map<string, NodeSnapshot>();
  // The snapshot carries the version of the event that changed it; a heartbeat moves only this one (I-11, I-18).
  const latest = new Map<string, string>();

  const forget = (name: string): void => {
    snapshots.delete(name);
    latest.delete(name);
  };

  /** Undefined for an object that is no node, or one that breaks the code that reads it. */
  const read = (node: unknown): NodeSnapshot | undefined => {
    try {
      const projected = project(node);
      return projected.ok ? projected.snapshot : undefined;
    } catch {
      return undefined;
    }
  };

  const put = (name: string, version: string, node: unknown): CacheOutcome => {
    const snapshot = read(node);
    if (snapshot === undefined) return { kind: "Malformed" };
    const known = snapshots.get(name);
    const isSame =
      known?.uid === snapshot.uid &&
      (isHeartbeat(known, snapshot) || fingerprint(known) === fingerprint(snapshot));
    latest.set(name, version);
    if (isSame) return { kind: "Unchanged" };
    snapshots.set(name, snapshot);
    return { kind: "Changed", snapshot, replaced: known !== undefined && known.uid !== snapshot.uid };
  };

  const leave = (name: string): CacheOutcome => {
    if (!snapshots.has(name)) return { kind: "NotSelected" };
    forget(name);
    return { kind: "Gone", name };
  };

  return {
    snapshots,
    forget,
    version: (name) => latest.get(name),
    listed: (node) =>
      withIdentity(node, (name, version) =>
        selects(node) ? put(name, version, node) : { kind: "NotSelected" },
      ),
    watched: (kind, node, seen) =>
      withIdentity(node, (name, version) => {
        const order = compareResourceVersions(version, latest.get(name) ?? seen);
        // Also for another uid: versions are comparable across the objects of a resource, so an older one belongs to
        // a machine that is gone. A deletion may carry the version of the last change (API servers before 1.11).
        if (order === -1 || (order === 0 && kind !== "DELETED")) return { kind: "Old" };
        return kind === "DELETED" || !selects(node) ? leave(name) : put(name, version, node);
      }),
  };
}
