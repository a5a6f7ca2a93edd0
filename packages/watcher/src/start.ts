import {
  compareResourceVersions,
  connectKubernetes,
  createNodeReader,
  createNodeSource,
  createSnapshotFilter,
  type KubernetesConnection,
  type NodeSelector,
  type SourceEvent,
} from "@node-agent/kubernetes";
import { MINUTE, SECOND, type Millis } from "@node-agent/shared/core/time.ts";
import { LOG_EVENTS } from "@node-agent/shared/contract/log-events.ts";
import { keysOf } from "@node-agent/shared/contract/keys.ts";
import { toSnapshot } from "@node-agent/shared/core/snapshot.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import { dependencyOf } from "@node-agent/shared/ports/dependency.ts";
import type { NodeSource } from "@node-agent/shared/ports/node-source.ts";
import type { ClusterView } from "@node-agent/shared/ports/snapshot-store.ts";
import { BullJobQueues } from "@node-agent/shared/redis/job-queues.ts";
import { RedisPlanStore } from "@node-agent/shared/redis/plan-store.ts";
import { rememberedDigests, type SnapshotDigest } from "@node-agent/shared/redis/snapshot-digest.ts";
import { RedisSnapshotStore } from "@node-agent/shared/redis/snapshot-store.ts";
import { observeDrift } from "@node-agent/shared/runtime/drift-report.ts";
import { startMonitorServer } from "@node-agent/shared/runtime/http.ts";
import type { Component } from "@node-agent/shared/runtime/lifecycle.ts";
import { openRedis, redisReady } from "@node-agent/shared/runtime/redis-set.ts";
import type { RoleParts } from "@node-agent/shared/runtime/role.ts";
import { VERSION } from "@node-agent/shared/runtime/version.ts";
import { anchoredBeats } from "./anchored-beats.ts";
import { rememberedCensus } from "./census.ts";
import { runHeartbeat } from "./heartbeat.ts";
import { createPublisher, viewAge, type WatcherDeps } from "./publisher.ts";
import { observeSourceEvent } from "./source-metrics.ts";
import { createResyncQueue, type ResyncQueue } from "./resync-queue.ts";
import { resync } from "./resync.ts";

/** Wires a watcher: everything it is made of is made here, and nowhere else. */
export async function startWatcher(parts: RoleParts): Promise<readonly Component[]> {
  const { config, logger, metrics, clock, signal } = parts;
  const { timings } = config;
  const keys = keysOf(config.cluster);
  const kubernetes = connectKubernetes({
    kubeconfig: config.kubeconfig,
    context: config.context,
    userAgent: `node-recovery-agent/${VERSION}`,
    clock,
  });
  const selector: NodeSelector = {
    pools: config.nodePools,
    includeControlPlane: config.includeControlPlane,
    includeVirtual: config.includeVirtual,
  };
  let onWentBack: (() => void) | undefined;
  const fingerprint = rememberedDigests();
  const source = createSource(parts, kubernetes, { selector, fingerprint, onWentBack: () => onWentBack?.() });
  const redis = openRedis(parts);
  const monitor = await startMonitorServer({
    host: config.metricsHost,
    port: config.metricsPort,
    metrics,
    logger,
    checks: [
      { name: "redis", check: redis.check },
      { name: "watch", check: () => watchCheck(source, parts) },
    ],
  });
  logger.info({ port: monitor.port, server: kubernetes.server }, "metrics are served");
  await redisReady(redis, parts, signal);

  const onDamage = (detail: string): void => {
    metrics.observeReconcileError("DamagedRecord");
    logger.error({ event: LOG_EVENTS.fault, reason: "DamagedRecord", detail }, "fault");
  };
  const snapshots = new RedisSnapshotStore(redis.store, keys, timings.viewMaxAge, onDamage);
  const store = anchoredBeats(snapshots, clock);
  const plans = new RedisPlanStore(redis.store, keys);
  const queues = new BullJobQueues(redis.producer, keys, redis.onError);
  const reader = createNodeReader({
    connection: kubernetes,
    project: toSnapshot,
    deadline: timings.nodeReadDeadline,
  });
  const watcher: WatcherDeps = {
    source,
    store,
    queues,
    reader,
    clock,
    fingerprint,
    selects: createSnapshotFilter(selector),
    onPublished: (result, count) => metrics.observeSnapshotsPublished(result, count),
  };
  const tick = async (): Promise<string> => runTick(parts, watcher);
  // What the workers judge must not wait for a tick, which a watcher may take that has not noticed yet.
  onWentBack = () => {
    tick().catch(redis.onError);
  };
  const ticks = createResyncQueue({
    producer: redis.producer,
    worker: redis.worker,
    keys,
    interval: config.resyncInterval,
    lockDuration: timings.lockDuration,
    stalledInterval: timings.stalledInterval,
    onError: redis.onError,
    tick,
  });
  const steer = steering(ticks, config.resyncInterval, clock);
  let view: ClusterView | undefined;
  metrics.readGaugesFrom({
    view: async () => view?.age,
    watch: async () => watchSample(source),
  });
  source.start(createPublisher(watcher));
  const census = rememberedCensus();
  const beating = new AbortController();
  const beat = runHeartbeat(
    {
      source,
      store,
      clock,
      interval: timings.beatInterval,
      isNear: async ({ now }) => {
        const latest = await plans.latest();
        return (
          latest !== undefined && latest.proceed.length > 0 && now - latest.at <= 2 * timings.planInterval
        );
      },
      tellCensus: async (nodes) => plans.tellCensus(census(nodes)),
      onBeat: (seen) => {
        view = seen;
        return steer(seen !== undefined && (seen.age ?? Infinity) <= timings.viewMaxAge);
      },
      onError: redis.onError,
    },
    beating.signal,
  );
  return [
    { name: "readiness", stop: async () => monitor.startDraining() },
    { name: "source", stop: async () => source.stop() },
    {
      name: "beat",
      stop: async () => {
        beating.abort();
        await beat;
      },
    },
    { name: "resync", stop: async () => ticks.close() },
    { name: "queues", stop: async () => queues.close() },
    redis.component,
    { name: "kubernetes", stop: async () => kubernetes.close() },
    { name: "monitor", stop: async () => monitor.stop() },
  ];
}

/** A watcher that sees keeps the fleet's scheduler alive and takes ticks; a blind one leaves them to the others. */
function steering(ticks: ResyncQueue, interval: Millis, clock: Clock): (sees: boolean) => Promise<void> {
  let ensuredAt = -Infinity;
  return async (sees) => {
    // It outlives the beats: what a flush or a dashboard removed is made anew about a tick later.
    if (sees && clock.monotonic() - ensuredAt >= Math.min(interval, MINUTE)) {
      await ticks.ensureScheduler();
      ensuredAt = clock.monotonic();
    }
    ticks.takeTicks(sees);
  };
}

/** What a change takes from the API server to Redis, at most; what differs for longer is no news on its way. */
const DELIVERY: Millis = SECOND;

async function runTick({ config, logger, metrics, clock }: RoleParts, watcher: WatcherDeps): Promise<string> {
  if (viewAge(watcher.source.freshness(), clock) === undefined) return "nothing seen yet";
  const onFailure = (error: unknown): void =>
    metrics.observeReconcileError(dependencyOf(error) ?? "Kubernetes");
  const result = await resync({
    ...watcher,
    isNewer,
    onFailure,
    settle: async () => clock.sleep(Math.min(DELIVERY, config.resyncInterval / 2)),
    onDrift: (cache, drift) => observeDrift(cache, drift, metrics, logger),
  });
  const worthTelling = result.published + result.doubted + result.verified + result.left > 0;
  if (worthTelling) logger.info({ ...result }, "resync repaired what differed");
  return JSON.stringify(result);
}

function isNewer(a: string, b: string): boolean {
  return compareResourceVersions(a, b) === 1;
}

function createSource(
  { config, logger, metrics, clock }: RoleParts,
  connection: KubernetesConnection,
  made: {
    readonly selector: NodeSelector;
    readonly fingerprint: SnapshotDigest;
    readonly onWentBack: () => void;
  },
): NodeSource {
  const { timings } = config;
  return createNodeSource({
    connection,
    clock,
    project: toSnapshot,
    fingerprint: made.fingerprint,
    selector: made.selector,
    timings: {
      watchLifeMin: timings.watchTimeout,
      watchLifeMax: 2 * timings.watchTimeout,
      silenceWithBookmarks: timings.watchIdleTimeout,
      viewProbeInterval: timings.viewProbeInterval,
      relistInterval: timings.relistInterval,
      headersDeadline: timings.watchHeadersTimeout,
      pageDeadline: timings.listPageTimeout,
      backoffBase: timings.watchBackoffMin,
      backoffCap: timings.watchBackoffMax,
      backoffReset: timings.watchBackoffReset,
    },
    onEvent: (event: SourceEvent) => {
      observeSourceEvent(event, metrics, logger);
      if (event.type === "ListDone" && event.wentBack === true) made.onWentBack();
    },
  });
}

function watchCheck(source: NodeSource, { clock, config }: RoleParts): { ok: boolean; detail: string } {
  const freshness = source.freshness();
  const age = viewAge(freshness, clock);
  const seen = age === undefined ? "nothing seen yet" : `last byte ${Math.round(age / 1000)} s ago`;
  const fault = freshness.lastError === undefined ? "" : `; ${freshness.lastError}`;
  const ok = age !== undefined && age <= config.timings.viewMaxAge;
  return { ok, detail: `${freshness.phase}, ${source.nodes().size} nodes, ${seen}${fault}` };
}

function watchSample(source: NodeSource): { nodes: number; lastByteAt?: number } {
  const { lastByte } = source.freshness();
  return { nodes: source.nodes().size, ...(lastByte === undefined ? {} : { lastByteAt: lastByte.wall }) };
}
