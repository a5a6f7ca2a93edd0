import type { NodeSnapshot } from "@node-agent/shared/core/node.ts";
import type { Millis } from "@node-agent/shared/core/time.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import type { NodeSource } from "@node-agent/shared/ports/node-source.ts";
import type { ClusterView, SnapshotStore } from "@node-agent/shared/ports/snapshot-store.ts";
import { viewAge } from "./publisher.ts";

/** What the beat works with. */
export interface HeartbeatDeps {
  readonly source: NodeSource;
  readonly store: SnapshotStore;
  readonly clock: Clock;
  readonly interval: Millis;
  /** Tells what the plan of the fleet needs of it; only while this watcher sees. */
  readonly tellCensus: (nodes: ReadonlyMap<string, NodeSnapshot>) => Promise<void>;
  /** Told of every beat; undefined: this watcher is blind and vouches for nothing. */
  readonly onBeat: (view: ClusterView | undefined) => Promise<void>;
  readonly onError: (error: unknown) => void;
}

/**
 * Vouches for the cluster in Redis again and again, up to the last byte that came from the API server: while no watcher
 * sees anything, the observation clock stands still and nothing is rebooted. Resolves when the signal fires.
 */
export async function runHeartbeat(deps: HeartbeatDeps, signal: AbortSignal): Promise<void> {
  const { source, store, clock, interval, tellCensus, onBeat, onError } = deps;
  while (!signal.aborted) {
    const age = viewAge(source.freshness(), clock);
    try {
      await onBeat(age === undefined ? undefined : await store.beat(age));
      if (age !== undefined) await tellCensus(source.nodes());
    } catch (error) {
      onError(error);
    }
    await clock.sleep(interval, signal);
  }
}
