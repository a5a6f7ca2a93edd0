import { createCivoClient, createCivoExecutor, parseCivoUrl } from "@node-agent/civo";
import { connectKubernetes } from "@node-agent/kubernetes";
import { keysOf } from "@node-agent/shared/contract/keys.ts";
import { createCheckers } from "@node-agent/shared/core/checkers/registry.ts";
import type { Millis } from "@node-agent/shared/core/time.ts";
import type { Executor } from "@node-agent/shared/ports/executor.ts";
import { RedisEvaluationStore } from "@node-agent/shared/redis/evaluation-store.ts";
import { BullJobQueues } from "@node-agent/shared/redis/job-queues.ts";
import { RedisStateStore } from "@node-agent/shared/redis/state-store.ts";
import { policyOf } from "@node-agent/shared/runtime/config/config.ts";
import { observeDrift } from "@node-agent/shared/runtime/drift-report.ts";
import { startMonitorServer } from "@node-agent/shared/runtime/http.ts";
import { CannotStartError, type Component } from "@node-agent/shared/runtime/lifecycle.ts";
import { createNopExecutor } from "@node-agent/shared/runtime/nop-executor.ts";
import { openRedis, redisReady } from "@node-agent/shared/runtime/redis-set.ts";
import type { RoleParts } from "@node-agent/shared/runtime/role.ts";
import { VERSION } from "@node-agent/shared/runtime/version.ts";
import { Evaluator } from "./evaluator.ts";
import { GrantWatch } from "./grant-watch.ts";
import { gaugeSources } from "./gauge-sources.ts";
import { logIdleCheckers } from "./idle-checkers.ts";
import type { Rules } from "@node-agent/shared/core/judge.ts";
import { createLogJournal } from "./log-journal.ts";
import { measuredExecutor } from "./measured-executor.ts";
import { startQueueWorkers, type QueueWorkers } from "./queue-workers.ts";
import { withEvents } from "./event-journal.ts";
import { createReboots, keepLedgerAlive } from "./start-reboots.ts";
import { rulesId, startStanding } from "./standing.ts";
import { keepBeating } from "./whereabouts.ts";

const USER_AGENT = `node-recovery-agent/${VERSION}`;

/** Wires a worker: everything it is made of is made here, and nowhere else. */
export async function startWorker(parts: RoleParts): Promise<readonly Component[]> {
  const { config, logger, metrics, clock, signal } = parts;
  const keys = keysOf(config.cluster);
  const kubernetes = connectKubernetes({
    kubeconfig: config.kubeconfig,
    context: config.context,
    userAgent: USER_AGENT,
    clock,
  });
  const { executor, close: closeExecutor } = createExecutor(parts);
  const redis = openRedis(parts);
  let consumers: QueueWorkers | undefined;
  const leaving = new AbortController();
  const { standing, reach, looking } = startStanding(parts, kubernetes, leaving.signal);
  const monitor = await startMonitorServer({
    host: config.metricsHost,
    port: config.metricsPort,
    metrics,
    logger,
    checks: [
      { name: "redis", check: redis.check },
      {
        name: "queues",
        check: () => ({
          ok: consumers?.isRunning() === true,
          detail: consumers === undefined ? "not started" : "started",
        }),
      },
      ...standing.checks(),
      ...reach.checks(config.monitorOnly),
    ],
  });
  logger.info(
    { port: monitor.port, server: kubernetes.server, executor: executor.name },
    "metrics are served",
  );
  await redisReady(redis, parts, signal);

  const rules: Rules = { checkers: createCheckers(policyOf(config)), policy: policyOf(config) };
  const told = withEvents(createLogJournal({ logger, metrics, clock }), parts, kubernetes);
  const { journal } = told;
  const queues = new BullJobQueues(redis.producer, keys, redis.onError, () => standing.redisNow());
  const state = new RedisStateStore(redis.store, keys, (detail) => journal.fault("DamagedRecord", detail));
  const grants = new GrantWatch({ clock, logger, fresh: config.ledger.heartbeatMaxAge });
  metrics.readGaugesFrom(
    gaugeSources({ state, queues, clock, reach, standing, grants, policy: rules.policy }),
  );
  const evaluator = new Evaluator({
    store: new RedisEvaluationStore(redis.store, keys, rulesId(rules)),
    queues,
    journal,
    rules,
    chunk: config.evaluationChunk,
    onDrift: (drift) => observeDrift("Records", drift, metrics, logger),
  });
  const { processor, ledger, whereabouts, planner, queue } = createReboots({
    parts,
    kubernetes,
    executor,
    redis,
    keys,
    state,
    journal,
    rules,
    reach,
    standing,
    grants,
  });
  const beating = new AbortController();
  const beat = ledger === undefined ? undefined : keepLedgerAlive(ledger, state, parts, beating.signal);
  const { timings } = config;
  const running = startQueueWorkers({
    connection: redis.worker,
    keys,
    evaluator,
    processor,
    store: state,
    journal,
    clock,
    minPause: timings.shortestPause,
    retryPause: timings.gateRecheck,
    concurrency: config.concurrency,
    lockDuration: timings.lockDuration,
    stalledInterval: timings.stalledInterval,
    onError: redis.onError,
  });
  consumers = running;
  standing.heed(({ mode }) =>
    running.hold({ evaluations: mode !== undefined, repairs: !standing.mayRepair }),
  );
  const planning = new AbortController();
  const plans = planner.run(planning.signal);
  const counting = new AbortController();
  const idle = logIdleCheckers(
    { state, policy: rules.policy, logger, clock, after: 2 * config.resyncInterval },
    counting.signal,
  );
  // Six signs of life within the silence after which a worker counts as gone.
  const present = keepBeating(whereabouts, timings.lockDuration / 6, clock, leaving.signal);
  return [
    { name: "readiness", stop: async () => monitor.startDraining() },
    {
      // First: the others need not leave their own nodes to a worker that takes no more jobs.
      name: "whereabouts",
      stop: async () => {
        leaving.abort();
        await Promise.all([present, looking]);
      },
    },
    {
      name: "idle-checkers",
      stop: async () => {
        counting.abort();
        await idle;
      },
    },
    {
      name: "plans",
      stop: async () => {
        planning.abort();
        await plans;
        await queue.close();
      },
    },
    { name: "consumers", stop: async () => running.close() },
    ...told.components,
    {
      name: "ledger",
      stop: async () => {
        beating.abort();
        await beat;
      },
    },
    { name: "queues", stop: async () => queues.close() },
    redis.component,
    { name: "kubernetes", stop: async () => kubernetes.close() },
    { name: "cloud", stop: closeExecutor },
    { name: "monitor", stop: async () => monitor.stop() },
  ];
}

/** The list of all instances may take so many times as long as the read of one. */
const LIST_DEADLINES = 2;

/** In monitor-only mode there is no cloud client at all, so that nothing can call one (I5). */
function createExecutor({ config, metrics, clock }: RoleParts): {
  executor: Executor;
  close: () => Promise<void>;
} {
  const { url, apiKey, region, clusterId } = config.civo;
  if (config.monitorOnly) return { executor: createNopExecutor(), close: async () => undefined };
  if (apiKey === undefined || region === undefined || clusterId === undefined) {
    // The configuration was checked for this; an agent that only seems to repair would be worse than none.
    throw new CannotStartError("active mode needs CIVO_API_KEY, CIVO_REGION and CIVO_CLUSTER_ID");
  }
  const client = createCivoClient({
    url: parseCivoUrl(url, { allowInsecure: config.civo.allowInsecure }),
    apiKey,
    region,
    clusterId,
    userAgent: USER_AGENT,
    clock,
    deadlines: {
      connect: config.timings.cloudConnectDeadline,
      read: config.timings.cloudReadDeadline,
      list: LIST_DEADLINES * config.timings.cloudReadDeadline,
      reboot: config.timings.cloudCallDeadline,
    },
  });
  const onList = (result: string, took: Millis): void =>
    metrics.observeCloudRequest({ provider: "civo", operation: "list", result, took });
  return {
    executor: measuredExecutor(createCivoExecutor({ client, clock, onList }), metrics, clock),
    close: async () => client[Symbol.asyncDispose](),
  };
}
