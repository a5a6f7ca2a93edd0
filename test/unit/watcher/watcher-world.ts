import type { Drift, DriftCache } from "../../../packages/shared/src/contract/drift.ts";
import type { NodeSnapshot } from "../../../packages/shared/src/core/node.ts";
import { ManualClock } from "../../../packages/shared/src/testing/manual-clock.ts";
import { MemoryJobQueues } from "../../../packages/shared/src/testing/memory-job-queues.ts";
import { MemoryNodeReader } from "../../../packages/shared/src/testing/memory-node-reader.ts";
import { MemoryNodeSource } from "../../../packages/shared/src/testing/memory-node-source.ts";
import { MemoryStore } from "../../../packages/shared/src/testing/memory-store.ts";
import type { NodeRecord } from "../../../packages/shared/src/core/record.ts";
import { snapshotFingerprint } from "../../../packages/shared/src/core/snapshot.ts";
import { shardOf } from "../../../packages/shared/src/contract/keys.ts";
import type { ResyncDeps } from "../../../packages/watcher/src/resync.ts";
import { createPublisher } from "../../../packages/watcher/src/publisher.ts";

/** One watcher over a store in memory. */
export class WatcherWorld {
  readonly clock = new ManualClock();
  readonly store = new MemoryStore(this.clock);
  readonly queues = new MemoryJobQueues(this.clock);
  readonly reader = new MemoryNodeReader();
  readonly source = new MemoryNodeSource(this.clock);
  /** Everything that was told of drift. */
  readonly drifts: (Drift & { readonly cache: DriftCache })[] = [];
  readonly deps: ResyncDeps = {
    onDrift: (cache, drift) => this.drifts.push({ cache, ...drift }),
    source: this.source,
    store: this.store,
    queues: this.queues,
    reader: this.reader,
    clock: this.clock,
    fingerprint: snapshotFingerprint,
    selects: ({ labels }) => labels["kubernetes.civo.com/civo-node-pool"] === "pool-1",
    isNewer: (a, b) => (a.length === b.length ? a > b : a.length > b.length),
  };

  /** The source tells the publisher of every change from now on. */
  start(): void {
    this.source.start(createPublisher(this.deps));
  }

  /** The API server has these nodes, and the source sees them and tells nobody. */
  place(...nodes: readonly NodeSnapshot[]): void {
    this.reader.set(...nodes);
    this.source.place(...nodes);
  }

  /** Workers judged everything that waits: nothing is dirty any more. */
  async judged(phase: NodeRecord["phase"] = "Healthy"): Promise<void> {
    for (let shard = 0; shard < 16; shard += 1) {
      const { nodes } = await this.store.load(shard, 10_000);
      await this.store.commit(
        shard,
        nodes.map(({ name, snapshotVersion, recordVersion, gone }) => ({
          name,
          snapshotVersion,
          recordVersion,
          record: gone ? "delete" : recordOf(name, phase),
        })),
      );
    }
    this.queues.takeWoken();
  }

  /** What waits for judgement. */
  async waiting(): Promise<string[]> {
    return [...this.store.dirty].toSorted();
  }
}

/** A record in this phase. */
export function recordOf(name: string, phase: NodeRecord["phase"]): NodeRecord {
  return {
    schema: 1,
    name,
    uid: `uid-${name}`,
    phase,
    phaseSince: 1,
    firstSeenAt: 1,
    everReady: true,
    gpuNode: false,
    gpuHighWater: 0,
    monitorOnly: false,
    failing: {},
  };
}

export const shardsOf = (...names: readonly string[]): number[] => [...new Set(names.map(shardOf))];
