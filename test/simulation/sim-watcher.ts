import { censusOf } from "@node-agent/shared/core/plan/census.ts";
import type { NodeSnapshot } from "@node-agent/shared/core/node.ts";
import { snapshotFingerprint } from "@node-agent/shared/core/snapshot.ts";
import { digestOf } from "@node-agent/shared/redis/snapshot-store.ts";
import { anchoredBeats } from "../../packages/watcher/src/anchored-beats.ts";
import { runHeartbeat } from "../../packages/watcher/src/heartbeat.ts";
import { createPublisher, type WatcherDeps } from "../../packages/watcher/src/publisher.ts";
import { resync, shardsInTurn } from "../../packages/watcher/src/resync.ts";
import type { Incarnation } from "./incarnation.ts";
import { SimWatch } from "./sim-watch.ts";
import type { World } from "./world.ts";

/** A running watcher as its world sees it. */
export interface SimWatcher {
  readonly process: Incarnation;
  readonly watch: SimWatch;
  /** Does one resync of the fleet; what it throws, a real process would log. */
  readonly resync: () => Promise<void>;
}

/** Snapshots do not change: each is digested once, however often it is compared. */
const digests = new WeakMap<NodeSnapshot, string>();

function fingerprintOf(snapshot: NodeSnapshot): string {
  const known = digests.get(snapshot);
  if (known !== undefined) return known;
  const made = digestOf(snapshotFingerprint(snapshot));
  digests.set(snapshot, made);
  return made;
}

/** Starts the real code of a watcher: publishing, beat and resync. */
export function startWatcher(world: World, process: Incarnation): SimWatcher {
  const { clock } = process;
  const watch = new SimWatch(world, process);
  const deps: WatcherDeps = {
    source: watch,
    store: anchoredBeats(world.redisFor(process, "watch"), clock),
    queues: world.queuesFor(process, "watch"),
    reader: world.readerFor(process, "watch"),
    clock,
    fingerprint: fingerprintOf,
    selects: (snapshot) => world.selects(snapshot),
  };
  const plans = world.plansFor(process, "watch");
  watch.start(createPublisher(deps));
  void runHeartbeat(
    {
      source: watch,
      store: deps.store,
      clock,
      interval: world.settings.beat,
      tellCensus: async (nodes) => plans.tellCensus(censusOf(nodes)),
      onBeat: async () => undefined,
      onError: () => undefined,
    },
    new AbortController().signal,
  );
  const resyncDeps = {
    ...deps,
    // The digest is taken above already, and the twin of the store keeps what it is given.
    digest: (fingerprint: string) => fingerprint,
    isNewer: (a: string, b: string) => Number(a) > Number(b),
    auditedShard: shardsInTurn(),
  };
  return {
    process,
    watch,
    resync: async () => {
      await process.hop(world.random.between(1, 20));
      if (!watch.freshness().synced) return;
      await resync(resyncDeps).catch(() => undefined);
    },
  };
}
