import { createHash } from "node:crypto";
import type { NodeSnapshot } from "../core/node.ts";
import { snapshotFingerprint } from "../core/snapshot.ts";

/** The digest of what a snapshot says, as the store keeps it: equal for equal content under different versions. */
export type SnapshotDigest = (snapshot: NodeSnapshot) => string;

/** The digest of a snapshot's fingerprint, as the versions hash keeps it. */
export const digestOf: SnapshotDigest = (snapshot) =>
  createHash("sha256").update(snapshotFingerprint(snapshot)).digest("base64url").slice(0, 22);

/** The same, made once for each snapshot object: snapshots do not change, and each resync compares them all. */
export function rememberedDigests(): SnapshotDigest {
  const known = new WeakMap<NodeSnapshot, string>();
  return (snapshot) => {
    const before = known.get(snapshot);
    if (before !== undefined) return before;
    const made = digestOf(snapshot);
    known.set(snapshot, made);
    return made;
  };
}
