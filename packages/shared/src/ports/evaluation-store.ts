import type { NodeSnapshot } from "../core/node.ts";
import type { NodeRecord } from "../core/record.ts";
import type { ClusterView } from "./snapshot-store.ts";

/** Stored bytes that could not be read. */
export interface StoredFault {
  readonly kind: "DamagedRecord" | "DamagedSnapshot";
  /** Names what was read and what was expected. */
  readonly detail: string;
}

/** A node that waits for judgement, with everything needed for it. */
export interface PendingNode {
  readonly name: string;
  readonly snapshot: NodeSnapshot | undefined;
  /** Somebody verified that the node no longer exists. A missing snapshot alone does not say so. */
  readonly gone: boolean;
  /** Opaque; the dirty mark is cleared only while this is still the newest. */
  readonly snapshotVersion: string;
  readonly record: NodeRecord | undefined;
  /** Opaque; the commit is refused when it changed. */
  readonly recordVersion: string;
  /** This very snapshot was judged before, and the record is not what that judgement left. */
  readonly rewritten: boolean;
  /** Bytes in the store that could not be read, named; the node is judged as if they were absent. */
  readonly faults: readonly StoredFault[];
}

/**
 * One judged node. `record`: the new record, `"keep"` for unchanged, `"delete"` for a node that is gone, `"discard"` to
 * keep the record and have an unreadable snapshot published anew.
 */
export interface JudgedNodeCommit {
  readonly name: string;
  readonly snapshotVersion: string;
  readonly recordVersion: string;
  readonly record: NodeRecord | "keep" | "delete" | "discard";
  /** The record that a judgement of the snapshot left, kept or new; absent where there was none. */
  readonly judged?: NodeRecord;
  /** Time alone will change the judgement, whatever the record says of it. */
  readonly timed?: boolean;
}

/** The worker's side of Redis for judgement in chunks. */
export interface EvaluationStore {
  /** Some nodes of the shard that wait for judgement, `limit` at most, with the view they are judged under. */
  load(shard: number, limit: number): Promise<{ nodes: PendingNode[]; view: ClusterView }>;
  /** Commits a chunk in one step, per node all or nothing. Returns the names that were refused: they stay dirty. */
  commit(shard: number, chunk: readonly JudgedNodeCommit[]): Promise<Set<string>>;
}
