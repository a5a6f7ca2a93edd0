import { shardOf } from "@node-agent/shared/contract/keys.ts";
import type { NodeSnapshot } from "@node-agent/shared/core/node.ts";
import { ageOf, type Clock } from "@node-agent/shared/ports/clock.ts";
import type { JobQueues } from "@node-agent/shared/ports/job-queues.ts";
import type { NodeReader } from "@node-agent/shared/ports/node-reader.ts";
import type { NodeSource, NodeSourceHandlers, ViewFreshness } from "@node-agent/shared/ports/node-source.ts";
import type { SnapshotStore } from "@node-agent/shared/ports/snapshot-store.ts";
import { SECOND, type Millis } from "@node-agent/shared/core/time.ts";

/** What the watcher's parts work with. */
export interface WatcherDeps {
  readonly source: NodeSource;
  readonly store: SnapshotStore;
  readonly queues: JobQueues;
  readonly reader: NodeReader;
  readonly clock: Clock;
  /** Digest of a snapshot without its version, as the store keeps it: equal content needs no new judgement. */
  readonly fingerprint: (snapshot: NodeSnapshot) => string;
  /** Whether this node is one of those we look after. */
  readonly selects: (snapshot: NodeSnapshot) => boolean;
  /** Told of every batch: how many snapshots were news to the store and how many it knew. */
  readonly onPublished?: (result: "Accepted" | "Known", count: number) => void;
}

/** How long ago the cluster was surely seen; undefined before the first complete list. */
export function viewAge({ synced, lastByte }: ViewFreshness, clock: Clock): Millis | undefined {
  return synced && lastByte !== undefined ? ageOf(lastByte, clock) : undefined;
}

/** A batch of so many nodes while the first list is under way is one of its pages, and more are to come. */
const PAGE = 250;
/** How long the pages of a first list are gathered: spread over the shards, a page alone makes a job of a few nodes. */
const FIRST_LIST_PAUSE: Millis = 2 * SECOND;

/**
 * Writes what the source sees to Redis and wakes workers. It throws when Redis is away: the source counts that and goes
 * on, and the next resync compares and publishes whatever was missed.
 */
export function createPublisher(deps: WatcherDeps): NodeSourceHandlers {
  const { source, store, queues, clock, fingerprint } = deps;
  // Shards of calls that failed, maybe after Redis had stored their nodes: told again, those are known and wake nobody.
  const unwoken = new Set<number>();
  // The clock first: a failure seen now must not be credited with the silence before it. Sent together, because one
  // connection runs them in this order; a Redis that has lost its scripts may not, and nobody is woken before both.
  const vouchAndPublish = async (nodes: readonly NodeSnapshot[]) => {
    const age = viewAge(source.freshness(), clock);
    const beat = age === undefined ? undefined : store.beat(age);
    const published = store.publish(
      nodes.map((snapshot) => ({ snapshot, fingerprint: fingerprint(snapshot) })),
    );
    const [, result] = await Promise.all([beat, published]);
    return result;
  };

  let willWake = false;
  const wakeLater = (): void => {
    if (willWake) return;
    willWake = true;
    void (async () => {
      await clock.sleep(FIRST_LIST_PAUSE);
      willWake = false;
      // Waking twice does no harm, and what fails here the next batch or the resync wakes.
      await queues.wakeShards([...unwoken]).catch(() => undefined);
    })();
  };

  return {
    changed: async (nodes) => {
      const again = [...unwoken];
      for (const { name } of nodes) unwoken.add(shardOf(name));
      const { shards, accepted } = await vouchAndPublish(nodes);
      deps.onPublished?.("Accepted", accepted);
      deps.onPublished?.("Known", nodes.length - accepted);
      if (!source.freshness().synced && nodes.length >= PAGE) return wakeLater();
      await queues.wakeShards([...new Set([...again, ...shards])]);
      unwoken.clear();
    },
    disappeared: async (name) => {
      await queues.wakeShards((await forgetIfGone(name, deps)).shards);
    },
  };
}

/**
 * A node that left the view may only have changed a label, or the view may be wrong: a read without a cache decides
 * (requirement I-19). Returns the shards with new work, and whether the node was forgotten.
 */
export async function forgetIfGone(
  name: string,
  deps: WatcherDeps,
): Promise<{ readonly shards: number[]; readonly forgotten: boolean }> {
  const { store, reader, selects, fingerprint } = deps;
  const seen = await store.version(name);
  const read = await reader.read(name);
  if (read.found && selects(read.node)) {
    const { shards } = await store.publish([{ snapshot: read.node, fingerprint: fingerprint(read.node) }]);
    return { shards, forgotten: false };
  }
  const shards = await store.forget(name, seen);
  return { shards, forgotten: shards.length > 0 };
}
