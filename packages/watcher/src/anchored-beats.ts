import type { EpochMillis, Millis } from "@node-agent/shared/core/time.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import type { ClusterView, SnapshotStore } from "@node-agent/shared/ports/snapshot-store.ts";

/**
 * The same store, whose beats say when their age was measured. A process that stands still between the measurement and
 * the beat's arrival would vouch for a time in which it saw nothing; told in the store's own time, carried on by our
 * monotonic clock since its latest answer, the beat vouches for what it meant to.
 */
export function anchoredBeats(store: SnapshotStore, clock: Clock): SnapshotStore {
  let anchor: { readonly storeNow: EpochMillis; readonly at: Millis } | undefined;
  const tell = async (age: Millis, asOf: EpochMillis): Promise<ClusterView> => {
    const view = await store.beat(age, asOf);
    // Stamped after the answer came: whatever delayed it makes later beats vouch for less, never for more.
    anchor = { storeNow: view.now, at: clock.monotonic() };
    return view;
  };
  const beat = async (age: Millis): Promise<ClusterView> => {
    const measuredAt = clock.monotonic();
    // The first one only asks for the store's time, and vouches for nothing.
    if (anchor === undefined) await tell(age, 0);
    const { storeNow = 0, at = measuredAt } = anchor ?? {};
    return tell(age, storeNow + measuredAt - at);
  };
  return {
    publish: async (batch) => store.publish(batch),
    version: async (name) => store.version(name),
    forget: async (name, seen) => store.forget(name, seen),
    versions: async (shard) => store.versions(shard),
    markAttention: async () => store.markAttention(),
    beat,
  };
}
