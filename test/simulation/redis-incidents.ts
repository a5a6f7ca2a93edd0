import type { EpochMillis } from "@node-agent/shared/core/time.ts";
import type { World } from "./world.ts";

/** What a replica of Redis held at some moment. */
export interface Checkpoint {
  readonly snapshots: ReadonlyMap<string, string>;
  readonly newest: ReadonlyMap<string, string>;
  readonly dirty: ReadonlySet<string>;
  readonly records: ReadonlyMap<string, { readonly version: number; readonly json: string }>;
  readonly sequence: number;
  readonly jobs: ReadonlyMap<string, EpochMillis>;
}

/** Copies what Redis holds. */
export function checkpoint({ store, sequence, queues }: World): Checkpoint {
  return {
    snapshots: new Map(store.snapshots),
    newest: new Map(store.newest),
    dirty: new Set(store.dirty),
    records: new Map(store.records),
    sequence,
    jobs: new Map([...queues.jobs].map(([node, { dueAt }]) => [node, dueAt])),
  };
}

/** Redis is empty: FLUSHALL, or a failover to a replica that had nothing; whose clock may be another. */
export function flush(world: World): void {
  world.redisSkew = world.drift ?? Math.round(world.random.between(-1, 1) * world.apiSkew);
  world.store = world.newStore();
  world.plans = world.newPlans();
  world.queues.clear();
  world.sequence = 0;
}

/** A failover to a replica that lagged behind: everything written since is lost. */
export function loseTail(world: World, replica: Checkpoint): void {
  flush(world);
  const { store, queues, time } = world;
  for (const [name, json] of replica.snapshots) store.snapshots.set(name, json);
  for (const [name, raw] of replica.newest) store.newest.set(name, raw);
  for (const name of replica.dirty) store.dirty.add(name);
  for (const [name, cell] of replica.records) store.records.set(name, cell);
  world.sequence = replica.sequence;
  for (const [node, dueAt] of replica.jobs) void queues.moveReboot(node, dueAt - time.now);
}
