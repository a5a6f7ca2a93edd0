import type { NodeSnapshot } from "@node-agent/shared/core/node.ts";
import { SECOND, type Millis } from "@node-agent/shared/core/time.ts";
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
  /** Whether a repair may begin before the next beat would come. */
  readonly isNear: (view: ClusterView) => Promise<boolean>;
  /** Tells what the plan of the fleet needs of it; only while this watcher sees. */
  readonly tellCensus: (nodes: ReadonlyMap<string, NodeSnapshot>) => Promise<void>;
  /** Told of every beat; undefined: this watcher is blind and vouches for nothing. */
  readonly onBeat: (view: ClusterView | undefined) => Promise<void>;
  readonly onError: (error: unknown) => void;
}

/** While a repair is near: observed time lags behind by a beat, and a repair begins when it has reached the threshold. */
const NEAR_INTERVAL: Millis = 0.2 * SECOND;

/**
 * Vouches for the cluster in Redis again and again, up to the last byte that came from the API server: while no watcher
 * sees anything, the observation clock stands still and nothing is rebooted. Resolves when the signal fires.
 */
export async function runHeartbeat(deps: HeartbeatDeps, signal: AbortSignal): Promise<void> {
  const { source, store, clock, interval, isNear, tellCensus, onBeat, onError } = deps;
  while (!signal.aborted) {
    let pause = interval;
    const age = viewAge(source.freshness(), clock);
    try {
      const view = age === undefined ? undefined : await store.beat(age);
      await onBeat(view);
      if (view !== undefined) {
        await tellCensus(source.nodes());
        if (await isNear(view)) pause = Math.min(interval, NEAR_INTERVAL);
      }
    } catch (error) {
      onError(error);
    }
    await clock.sleep(pause, signal);
  }
}
