import type { NodeSnapshot } from "../core/node.ts";
import type { ObservedMillis } from "../core/record.ts";
import type { EpochMillis, Millis } from "../core/time.ts";

/** The reading of the cluster's observation clock. */
export interface ClusterView {
  /** Total observed time. */
  readonly observed: ObservedMillis;
  /** How long ago the cluster was surely seen; undefined when it never was. */
  readonly age: Millis | undefined;
  /** For how long it has been seen without a gap; 0 when nobody knows. */
  readonly steady: Millis;
  /** The store's own clock, the one clock that all processes share. */
  readonly now: EpochMillis;
}

/** What is stored of a node's newest snapshot, without the snapshot. */
export interface StoredVersion {
  readonly resourceVersion: string;
  readonly uid: string;
  readonly fingerprint: string;
  /** Somebody verified that the node no longer exists, and a worker still has to clean up after it. */
  readonly gone: boolean;
  /** The same as the store spells it: a removal names it. */
  readonly raw: string;
}

/** A snapshot to publish, with the digest of its content. */
export interface Publication {
  readonly snapshot: NodeSnapshot;
  readonly fingerprint: string;
  /**
   * A stored version that this snapshot may replace although it claims to be newer, if it still stands as it was read:
   * for the one case in which a quorum read proved that it is of a history that was lost (etcd restore).
   */
  readonly over?: StoredVersion;
}

/** The watcher's side of Redis: the newest snapshot of each node, and the marks that wake workers. */
export interface SnapshotStore {
  /**
   * Publishes snapshots; per node the newest resourceVersion wins. Returns the shards in which one of these nodes waits
   * for judgement, and how many snapshots were news: a node that waited already with the same content wakes its shard
   * again and is none.
   */
  publish(batch: readonly Publication[]): Promise<{ readonly shards: number[]; readonly accepted: number }>;
  /** What is stored of one node. */
  version(name: string): Promise<StoredVersion | undefined>;
  /**
   * Removes a node that surely no longer exists, unless something newer than `seen` was published meanwhile; its record
   * goes when a worker looks. Returns the shards with new work.
   */
  forget(name: string, seen: StoredVersion | undefined): Promise<number[]>;
  /** What is stored of every node of a shard; nodes of which only a record is left have empty versions. */
  versions(shard: number): Promise<Map<string, StoredVersion>>;
  /**
   * Marks for another judgement every node that needs attention, and every node whose record is not what its newest
   * snapshot, judged by the rules of a living worker, left. Returns the shards with work, old work included.
   */
  markAttention(): Promise<number[]>;
  /**
   * Vouches for the cluster having been seen until `age` before `asOf`, an instant of the store's clock, and reads the
   * clock. Without `asOf`: before the moment in which the beat arrives.
   */
  beat(age: Millis, asOf?: EpochMillis): Promise<ClusterView>;
}
