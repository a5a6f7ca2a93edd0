import type { NodeSnapshot } from "../core/node.ts";
import type { NodeRecord } from "../core/record.ts";
import type { RecordCount } from "../core/record-gauges.ts";
import type { ClusterView } from "./snapshot-store.ts";

/** A record with the version that a change must name. */
export interface VersionedRecord {
  readonly record: NodeRecord | undefined;
  readonly version: string;
  /** Bytes that could not be read as a record, named; the record is undefined then. */
  readonly fault: string | undefined;
  readonly view: ClusterView;
}

/** The phase records of a cluster. */
export interface StateStore {
  get(name: string): Promise<VersionedRecord>;
  /** Writes only when the version is still the one read; `false`: somebody was faster, read again. */
  compareAndSet(name: string, version: string, next: NodeRecord): Promise<boolean>;
  /** The view of the cluster, for those who need no record. */
  view(): Promise<ClusterView>;
  /** Every record that is not Healthy. */
  listUnhealthy(): Promise<NodeRecord[]>;
  /** The snapshots of these nodes as the watchers stored them, without those that are missing or cannot be read. */
  snapshotsOf(names: readonly string[]): Promise<ReadonlyMap<string, NodeSnapshot>>;
  /** The records of these nodes, without those that are missing or cannot be read. */
  getMany(names: readonly string[]): Promise<NodeRecord[]>;
  /** Counts of all records for the gauges of `RECORD_GAUGES`. */
  countRecords(): Promise<readonly RecordCount[]>;
}
