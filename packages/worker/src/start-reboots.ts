import { observeDrift } from "@node-agent/shared/runtime/drift-report.ts";
import { randomUUID } from "node:crypto";
import {
  createConfigMapLedger,
  createEvidenceReader,
  createNodeLister,
  createNodeReader,
  createSnapshotFilter,
  type KubernetesConnection,
} from "@node-agent/kubernetes";
import type { Keys } from "@node-agent/shared/contract/keys.ts";
import { addressesOf } from "@node-agent/shared/core/node-addresses.ts";
import { toSnapshot } from "@node-agent/shared/core/snapshot.ts";
import type { Executor } from "@node-agent/shared/ports/executor.ts";
import type { EvidenceReader } from "@node-agent/shared/ports/node-evidence.ts";
import { RedisSequenceMemory } from "@node-agent/shared/redis/sequence-memory.ts";
import { serverAddresses } from "@node-agent/shared/redis/server-address.ts";
import type { RedisStateStore } from "@node-agent/shared/redis/state-store.ts";
import { RedisPlanStore } from "@node-agent/shared/redis/plan-store.ts";
import { BullRebootQueue } from "@node-agent/shared/redis/reboot-queue.ts";
import { RedisWorkerRegistry } from "@node-agent/shared/redis/worker-registry.ts";
import { ledgerTimingsOf } from "@node-agent/shared/runtime/config/config.ts";
import { createErrorLimiter } from "@node-agent/shared/runtime/error-limiter.ts";
import type { RedisSet } from "@node-agent/shared/runtime/redis-set.ts";
import type { RoleParts } from "@node-agent/shared/runtime/role.ts";
import { CallBrake } from "./call-brake.ts";
import { FLEET_LIST_DEADLINES, FleetWatch } from "./fleet-watch.ts";
import type { Journal } from "./journal.ts";
import type { Rules } from "@node-agent/shared/core/judge.ts";
import type { GrantWatch } from "./grant-watch.ts";
import { LedgerGate } from "./ledger-gate.ts";
import { LoopLateness } from "./stopwatch.ts";
import { Planner } from "./planner.ts";
import type { Reach } from "./reach.ts";
import { RebootProcessor } from "./reboot-processor.ts";
import { rulesId, SELF, type Standing } from "./standing.ts";
import { Whereabouts } from "./whereabouts.ts";

/** What the reboot transaction is wired from. */
export interface RebootParts {
  readonly parts: RoleParts;
  readonly kubernetes: KubernetesConnection;
  readonly executor: Executor;
  readonly redis: RedisSet;
  readonly keys: Keys;
  readonly state: RedisStateStore;
  readonly journal: Journal;
  readonly rules: Rules;
  readonly reach: Reach;
  readonly standing: Standing;
  readonly grants: GrantWatch;
}

/** With `podEvidence: false` no worker looks at pods. */
const OFF = { state: "NotPermitted", why: "podEvidence is off" } as const;
const NO_EVIDENCE: EvidenceReader = { read: async () => ({ pods: OFF, gpuDrivers: OFF }) };

/** After so many plans that did not come every repair looks for itself again. */
const STALE_PLANS = 10;

/** The reboot transaction, and the ledger it stands on (absent in monitor-only mode, which needs none). */
export function createReboots(made: RebootParts): {
  processor: RebootProcessor;
  ledger: LedgerGate | undefined;
  whereabouts: Whereabouts;
  planner: Planner;
  queue: BullRebootQueue;
} {
  const { parts, kubernetes, executor, redis, keys, state, journal, rules, reach, standing } = made;
  const { config, clock, logger, metrics } = parts;
  const { timings } = config;
  const selects = createSnapshotFilter({
    pools: config.nodePools,
    includeControlPlane: config.includeControlPlane,
    includeVirtual: config.includeVirtual,
  });
  const ledger = config.monitorOnly ? undefined : createLedgerGate(made);
  const whereabouts = createWhereabouts(made);
  const plans = new RedisPlanStore(redis.store, keys);
  const shared = { store: state, plans, ledger, selects, rules, journal, clock };
  const processor = new RebootProcessor({
    ...shared,
    reader: reach.reader(
      createNodeReader({
        connection: kubernetes,
        project: toSnapshot,
        addresses: addressesOf,
        deadline: timings.nodeReadDeadline,
      }),
    ),
    fleet: new FleetWatch({
      ...shared,
      lister: createNodeLister({ connection: kubernetes, project: toSnapshot }),
      onDrift: (drift) => observeDrift("Fleet", drift, metrics, logger),
      shared: timings.sendDeadline / 5,
      oldest: FLEET_LIST_DEADLINES * timings.nodeReadDeadline,
    }),
    executor: reach.executor(executor),
    evidence: config.podEvidence
      ? createEvidenceReader({ connection: kubernetes, deadline: timings.nodeReadDeadline })
      : NO_EVIDENCE,
    brake: new CallBrake(clock, config.limits),
    whereabouts,
    timings: {
      sendDeadline: timings.sendDeadline,
      callDeadline: timings.cloudCallDeadline,
      readDeadline: timings.nodeReadDeadline,
      blockedRetry: timings.gateRecheck,
      retryPause: timings.retryPause,
      planStale: STALE_PLANS * timings.planInterval,
      flight: timings.sendDeadline + timings.cloudCallDeadline + config.ledger.margin,
    },
    newToken: randomUUID,
    lateness: new LoopLateness(clock),
    onMissed: (step) => metrics.observeDeadlineMissed(step),
    jitter: async (most, signal) => clock.sleep(Math.random() * most, signal),
  });
  const queue = new BullRebootQueue(redis.producer, keys, redis.onError);
  const planner = new Planner({
    ...shared,
    queue,
    mayPlan: () => standing.mayRepair,
    interval: timings.planInterval,
    readDeadline: timings.nodeReadDeadline,
  });
  return { processor, ledger, whereabouts, planner, queue };
}

function createWhereabouts({ parts, redis, keys, standing, rules }: RebootParts): Whereabouts {
  const { config, clock, logger } = parts;
  const { redisNodes, timings } = config;
  const faults = createErrorLimiter({ logger, clock, message: "cannot tell where workers and Redis run" });
  return new Whereabouts({
    // A worker that is silent for so long has lost its jobs too.
    registry: standing.registry(new RedisWorkerRegistry(redis.store, keys, timings.lockDuration)),
    self: { ...standing.self, rules: rulesId(rules) },
    redisNodes,
    redisAddresses: async () => serverAddresses(redis.store),
    onFault: (fault) => void faults.report(fault),
  });
}

function createLedgerGate({ parts, kubernetes, redis, keys, rules, reach, grants }: RebootParts): LedgerGate {
  const { config, clock } = parts;
  const { namespace, name } = config.ledger;
  return new LedgerGate({
    ledger: grants.ledger(reach.ledger(createConfigMapLedger(kubernetes, { namespace, name }))),
    memory: new RedisSequenceMemory(redis.store, keys),
    clock,
    policy: rules.policy,
    timings: ledgerTimingsOf(config),
    self: SELF,
    jitter: async (most) => clock.sleep(Math.random() * most),
  });
}

/** Keeps the ledger alive while there is nothing to reboot; a ledger nobody writes to is taken for a restored one. */
export async function keepLedgerAlive(
  ledger: LedgerGate,
  state: RedisStateStore,
  { config, clock, logger }: RoleParts,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const view = await state.view().catch(() => undefined);
      await (view === undefined ? ledger.watch() : ledger.beat(view.now));
    } catch (error) {
      logger.warn({ err: error }, "no sign of life could be written to the ledger");
    }
    // Often enough for `/readyz` to know of a ledger that cannot be read.
    await clock.sleep(Math.min(config.ledger.heartbeatMaxAge / 6, 2 * config.timings.gateRecheck), signal);
  }
}
