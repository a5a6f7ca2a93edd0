import { rememberedDigests } from "@node-agent/shared/redis/snapshot-digest.ts";
import { anchoredBeats } from "../../packages/watcher/src/anchored-beats.ts";
import { rememberedCensus } from "../../packages/watcher/src/census.ts";
import { runHeartbeat } from "../../packages/watcher/src/heartbeat.ts";
import { createPublisher, type WatcherDeps } from "../../packages/watcher/src/publisher.ts";
import { resync } from "../../packages/watcher/src/resync.ts";
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
const fingerprint = rememberedDigests();

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
    fingerprint,
    selects: (snapshot) => world.selects(snapshot),
  };
  const plans = world.plansFor(process, "watch");
  const census = rememberedCensus();
  watch.start(createPublisher(deps));
  void runHeartbeat(
    {
      source: watch,
      store: deps.store,
      clock,
      interval: world.settings.beat,
      // Its beats are frequent as they are.
      isNear: async () => false,
      tellCensus: async (nodes) => plans.tellCensus(census(nodes)),
      onBeat: async () => undefined,
      onError: () => undefined,
    },
    new AbortController().signal,
  );
  const resyncDeps = {
    ...deps,
    isNewer: (a: string, b: string) => Number(a) > Number(b),
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
