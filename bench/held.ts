/**
 * What 5,000 held repairs among 15,000 nodes cost a worker, and how soon one of them would be woken.
 *
 *   plan       the product's planner on a real Redis: one look for all repairs, as often as `timings.planInterval`
 *   per node   baseline: what each held repair read by itself before, from the same Redis: every record that is not
 *              Healthy, and the nodes of the fleet as a list brings them (parsed from JSON in memory, no network)
 */
import { Redis } from "ioredis";
import { keysOf, SHARDS } from "@node-agent/shared/contract/keys.ts";
import { createCheckers } from "@node-agent/shared/core/checkers/registry.ts";
import { clocksOf } from "@node-agent/shared/core/ledger/clocks.ts";
import { emptyLedger } from "@node-agent/shared/core/ledger/steps.ts";
import { censusOf } from "@node-agent/shared/core/plan/census.ts";
import { DEFAULT_POLICY, type RepairPolicy } from "@node-agent/shared/core/policy.ts";
import { snapshotFingerprint, toSnapshot } from "@node-agent/shared/core/snapshot.ts";
import { DAY, MINUTE, SECOND } from "@node-agent/shared/core/time.ts";
import { RedisEvaluationStore } from "@node-agent/shared/redis/evaluation-store.ts";
import { BullJobQueues } from "@node-agent/shared/redis/job-queues.ts";
import { RedisPlanStore } from "@node-agent/shared/redis/plan-store.ts";
import { BullRebootQueue } from "@node-agent/shared/redis/reboot-queue.ts";
import { RedisSnapshotStore } from "@node-agent/shared/redis/snapshot-store.ts";
import { RedisStateStore } from "@node-agent/shared/redis/state-store.ts";
import { systemClock } from "@node-agent/shared/runtime/system-clock.ts";
import { aNode, type NodeBuilder } from "@node-agent/shared/testing/builders.ts";
import { startRedis } from "../scripts/setup/redis.mjs";
import { Evaluator } from "../packages/worker/src/evaluator.ts";
import type { Journal } from "../packages/worker/src/journal.ts";
import { Planner } from "../packages/worker/src/planner.ts";
import { machine, progress, table } from "./support/report.ts";

const NODES = 15_000;
const HELD = 5000;
const TICKS = 20;
const INTERVAL = 3 * SECOND;
/** Looks of the baseline that are measured; one costs too much to measure them all. */
const LOOKS = 10;

/** Failures are due at once, so that the breaker holds them and not a threshold. */
const POLICY: RepairPolicy = {
  ...DEFAULT_POLICY,
  monitorOnly: false,
  blindGrace: 0,
  checkers: { ...DEFAULT_POLICY.checkers, NodeReady: { ...DEFAULT_POLICY.checkers.NodeReady, threshold: 1 } },
};
const rules = { policy: POLICY, checkers: createCheckers(POLICY) };
const NAMES = Array.from({ length: NODES }, (_, i) => `node-${i}`);
let told = 0;
const quiet: Journal = {
  judged: () => undefined,
  held: () => void (told += 1),
  requested: () => undefined,
  answered: () => undefined,
  verified: () => undefined,
  recalled: () => undefined,
  fault: (_, detail) => {
    throw new Error(detail);
  },
};

await using stack = new AsyncDisposableStack();
const redis = stack.adopt(await startRedis(), async (one) => one.stop());
const client = stack.adopt(new Redis(redis.url, { maxRetriesPerRequest: null }), (one) => one.disconnect());
const keys = keysOf("bench");
const fail = (error: Error): never => {
  throw error;
};
const snapshots = new RedisSnapshotStore(client, keys, 90 * SECOND);
const state = new RedisStateStore(client, keys);
const queues = new BullJobQueues(client, keys, fail);
const queue = new BullRebootQueue(client, keys, fail);
const plans = new RedisPlanStore(client, keys);
const evaluator = new Evaluator({
  store: new RedisEvaluationStore(client, keys),
  // The jobs are made below, asleep as the plan leaves them.
  queues: {
    wakeShards: async () => {},
    ensureReboot: async () => {},
    ensureReboots: async () => {},
    moveReboot: async () => {},
  },
  journal: quiet,
  rules,
  chunk: 250,
});

let resourceVersion = 1000;

/** The watchers see these nodes, and the workers judge them. */
async function see(nodes: readonly NodeBuilder[]): Promise<void> {
  await snapshots.beat(0);
  for (let i = 0; i < nodes.length; i += 500) {
    const page = nodes.slice(i, i + 500).map((node) => {
      resourceVersion += 1;
      return node.resourceVersion(resourceVersion).snapshot();
    });
    await snapshots.publish(
      page.map((snapshot) => ({ snapshot, fingerprint: snapshotFingerprint(snapshot) })),
    );
  }
  for (let shard = 0; shard < SHARDS; shard += 1) await evaluator.run(shard);
}

async function commands(): Promise<number> {
  const info = await client.info("stats");
  return Number(/total_commands_processed:(?<count>\d+)/u.exec(info)?.groups?.["count"]);
}

/** CPU milliseconds of this process that the work takes, and the commands that Redis carried out for it. */
async function measured(work: () => Promise<void>): Promise<{ cpu: number; commands: number }> {
  const before = { cpu: process.cpuUsage(), commands: await commands() };
  await work();
  const { user, system } = process.cpuUsage(before.cpu);
  return { cpu: (user + system) / 1000, commands: (await commands()) - before.commands - 1 };
}

function zoned(name: string, i: number): NodeBuilder {
  return aNode(name)
    .pool(`pool-${i % 15}`)
    .label("topology.kubernetes.io/zone", `zone-${i % 3}`);
}

progress(`storing ${NODES} nodes, of which ${HELD} fail`);
await see(NAMES.map(zoned));
const sick = NAMES.filter((_, i) => i % 3 === 0);
await see(sick.slice(0, HELD).map((name) => zoned(name, NAMES.indexOf(name)).notReady()));
const raw = NAMES.map((name, i) => JSON.stringify(zoned(name, i).raw()));
await plans.tellCensus(censusOf(NAMES.map((name, i) => zoned(name, i).snapshot())));

progress(`adding ${HELD} pending reboots`);
for (let i = 0; i < HELD; i += 100)
  await Promise.all(sick.slice(i, i + 100).map(async (name) => queues.ensureReboot(name, 10 * MINUTE)));

let ledgerReads = 0;
const planner = new Planner({
  store: state,
  plans,
  queue,
  ledger: {
    open: async (now) => {
      ledgerReads += 1;
      const ledger = emptyLedger("bench", "bench", now - DAY);
      return {
        state: "Trusted",
        ledger,
        clocks: clocksOf([now]),
        windowEnd: () => now,
        intend: async () => fail(new Error("no repair may begin")),
      };
    },
  },
  selects: () => true,
  rules,
  journal: quiet,
  clock: systemClock,
  interval: INTERVAL,
  readDeadline: SECOND,
});
const signal = new AbortController().signal;

progress("the first plan, which tells every hold");
await snapshots.beat(0);
const first = await measured(async () => void (await planner.tick(signal)));
const toldFirst = told;
progress(`${TICKS} more plans`);
const ticks: number[] = [];
let held = 0;
const later = await measured(async () => {
  for (let i = 0; i < TICKS; i += 1) {
    await snapshots.beat(0);
    const startedAt = performance.now();
    held = (await planner.tick(signal)).held.length;
    ticks.push(performance.now() - startedAt);
  }
});
if (held !== HELD) throw new Error(`Expected ${HELD} held repairs, got ${held}`);
if (told !== toldFirst) throw new Error(`Expected no hold to be told again, got ${told - toldFirst}`);

progress(`${LOOKS} looks of single repairs`);
let listed = 0;
const alone = await measured(async () => {
  for (let i = 0; i < LOOKS; i += 1) {
    await state.listUnhealthy();
    listed = raw.map((json) => toSnapshot(JSON.parse(json))).filter(({ ok }) => ok).length;
  }
});
if (listed !== NODES) throw new Error(`Expected ${NODES} listed nodes, got ${listed}`);

const perMinute = MINUTE / INTERVAL;
const figures = {
  machine: machine(),
  held,
  planMs: later.cpu / TICKS,
  planCpuPerMinute: (later.cpu / TICKS / SECOND) * perMinute,
  commandsPerMinute: (later.commands / TICKS) * perMinute,
  firstPlanMs: first.cpu,
  toldAtFirst: toldFirst,
  toldAgain: told - toldFirst,
  ledgerReadsPerPlan: ledgerReads / (TICKS + 1),
  slowestPlanMs: Math.max(...ticks),
  lookMs: alone.cpu / LOOKS,
  ratioOfHeldRepairs: ((alone.cpu / LOOKS) * HELD) / (later.cpu / TICKS),
};
const rows = Object.entries(figures).map(([name, value]) => [
  name,
  typeof value === "number" ? String(Math.round(value * 100) / 100) : value,
]);
console.log(table(["figure", "value"], rows));
console.log(JSON.stringify(figures));
await queue.close();
await queues.close();
