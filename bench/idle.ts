/**
 * What a fleet costs in which nothing happens but heartbeats: one watcher, one worker and Redis (append-only file) as
 * processes of their own, with the settings of production.
 *
 *   node bench/idle.ts [nodes ...]     by default 1000 and 15000; a minute of measuring each
 *
 * Baseline: this process, which holds a bare watch beside them that only parses its lines: what any watcher has to do.
 */
import { setTimeout as delay } from "node:timers/promises";
import { Redis } from "ioredis";
import { keysOf, SHARDS } from "@node-agent/shared/contract/keys.ts";
import { METRICS } from "@node-agent/shared/contract/metric-names.ts";
import { eventually } from "../test/support/eventually.ts";
import { openBareWatch } from "./support/bare-watch.ts";
import { cpuOf } from "./support/cpu.ts";
import { CLUSTER, startFleet, sumOf, type Fleet } from "./support/fleet.ts";
import { machine, progress, table } from "./support/report.ts";

const WINDOW = 60_000;
/** Two ticks of the resync: what the start left behind is over. */
const SETTLE = 60_000;
const shards = Array.from({ length: SHARDS }, (_, shard) => shard);
const sizes = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [1000, 15_000];

interface Sample {
  readonly evaluations: number;
  readonly commands: number;
  /** Milliseconds of CPU by process. */
  readonly cpu: Readonly<Record<string, number>>;
}

async function sample(fleet: Fleet, client: Redis): Promise<Sample> {
  const stats = await client.info("commandstats");
  const calls = [...stats.matchAll(/^cmdstat_[^:]+:calls=(\d+)/gmu)].map(([, count]) => Number(count));
  const { user, system } = process.cpuUsage();
  const pids = Object.entries(fleet.pids).filter(([name]) => name !== "simulator");
  return {
    evaluations: await sumOf(fleet.workers, METRICS.evaluations.name),
    commands: calls.reduce((sum, count) => sum + count, 0),
    cpu: {
      ...Object.fromEntries(pids.map(([name, pid]) => [name, cpuOf(pid) ?? Number.NaN])),
      bare: (user + system) / 1000,
    },
  };
}

async function idle(nodes: number): Promise<Record<string, number>> {
  progress(`${nodes} nodes: starting`);
  await using fleet = await startFleet({ nodes, heartbeatEvery: "5m", each: 1 });
  const client = new Redis(fleet.redis.url);
  const keys = keysOf(CLUSTER);
  // Its own count: names that the simulator draws twice are one node.
  const known = await sumOf(fleet.watchers, METRICS.watchedNodes.name);
  await eventually(
    async () => {
      const counts = await Promise.all(shards.map(async (shard) => client.hlen(keys.records(shard))));
      const judged = counts.reduce((sum, count) => sum + count, 0);
      progress(`${judged} judged`);
      if (judged < known) throw new Error("still judging");
    },
    { within: 300_000, every: 5000 },
  );
  const watch = await openBareWatch(fleet.simulator.kubeconfig);
  progress(`all judged; ${SETTLE / 1000} s until it is quiet, then ${WINDOW / 1000} s of measuring`);
  await delay(SETTLE);
  const before = await sample(fleet, client);
  await delay(WINDOW);
  const after = await sample(fleet, client);
  client.disconnect();
  await watch[Symbol.asyncDispose]();
  const spent = (name: string): number => ((after.cpu[name] ?? 0) - (before.cpu[name] ?? 0)) / 1000;
  const [watcher, worker, redis, bare] = [
    spent("watcher-1"),
    spent("worker-1"),
    spent("redis"),
    spent("bare"),
  ];
  return {
    nodes,
    evaluations: after.evaluations - before.evaluations,
    commands: after.commands - before.commands,
    watcher,
    worker,
    redis,
    bare,
    watcherShareOf10k: ((watcher * 1000) / WINDOW / nodes) * 10_000 * 100,
    ratio: (watcher + worker + redis) / bare,
  };
}

console.log(`# an idle fleet, per minute\n\n${machine()}\n`);
const results: Record<string, number>[] = [];
for (const nodes of sizes) results.push(await idle(nodes));
console.log(
  table(
    [
      "nodes",
      "evaluations",
      "Redis commands",
      "CPU s watcher",
      "worker",
      "Redis",
      "bare watch",
      "watcher per 10k",
      "all / bare",
    ],
    results.map(
      ({
        nodes = 0,
        evaluations,
        commands,
        watcher = 0,
        worker = 0,
        redis = 0,
        bare = 0,
        watcherShareOf10k = 0,
        ratio = 0,
      }) => [
        String(nodes),
        String(evaluations),
        String(commands),
        ...[watcher, worker, redis, bare].map((seconds) => seconds.toFixed(2)),
        `${watcherShareOf10k.toFixed(2)} %`,
        `${ratio.toFixed(1)} x`,
      ],
    ),
  ),
);
console.log(`\n${JSON.stringify(results)}`);
