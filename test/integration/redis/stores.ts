import type {
  EvaluationStore,
  JudgedNodeCommit,
} from "../../../packages/shared/src/ports/evaluation-store.ts";
import type { NodeSnapshot } from "../../../packages/shared/src/core/node.ts";
import type { NodeRecord } from "../../../packages/shared/src/core/record.ts";
import { shardOf } from "../../../packages/shared/src/contract/keys.ts";
import type {
  ClusterView,
  Publication,
  SnapshotStore,
} from "../../../packages/shared/src/ports/snapshot-store.ts";
import type { StateStore } from "../../../packages/shared/src/ports/state-store.ts";
import { aNode } from "../../../packages/shared/src/testing/builders.ts";

/** The three stores over one memory, as a contract suite sees them. */
export interface Stores {
  readonly snapshots: SnapshotStore;
  readonly evaluations: EvaluationStore;
  readonly states: StateStore;
  /** Lets time pass for what is stored. */
  readonly pass: (span: number) => Promise<void>;
  /** The instant of a view on a clock that `pass` moves: where the store's own clock cannot be moved, the past is. */
  readonly at: (view: ClusterView) => number;
  /** Longest silence between two beats that counts; the store was made with it. */
  readonly maxGap: number;
  /** The record is gone and nothing else: what a vandal or a bad restore does. */
  readonly loseRecord: (name: string) => Promise<void>;
}

export const publication = (snapshot: NodeSnapshot, fingerprint = "content-1"): Publication => ({
  snapshot,
  fingerprint,
});

/** A publication of a node at a version, its content told by a word. */
export const version = (name: string, resourceVersion: string, fingerprint = "content-1"): Publication =>
  publication(aNode(name).resourceVersion(resourceVersion).snapshot(), fingerprint);

export const aRecord = (name: string, over: Partial<NodeRecord> = {}): NodeRecord => ({
  schema: 1,
  name,
  uid: `uid-${name}`,
  phase: "Healthy",
  phaseSince: 1,
  firstSeenAt: 1,
  everReady: true,
  gpuNode: false,
  gpuHighWater: 0,
  monitorOnly: false,
  failing: {},
  ...over,
});

/** Everything of a shard that waits for judgement. */
export async function pending(stores: Stores, name: string) {
  const { nodes } = await stores.evaluations.load(shardOf(name), 500);
  return nodes.find((node) => node.name === name);
}

/** Judges one node: loads it, commits what the caller makes of it; true when the commit was taken. */
export async function commitOne(
  stores: Stores,
  name: string,
  record: JudgedNodeCommit["record"],
  over: Partial<JudgedNodeCommit> = {},
): Promise<boolean> {
  const node = await pending(stores, name);
  const commit = {
    name,
    snapshotVersion: node?.snapshotVersion ?? "",
    recordVersion: node?.recordVersion ?? "0",
    record,
    ...over,
  };
  return !(await stores.evaluations.commit(shardOf(name), [commit])).has(name);
}
