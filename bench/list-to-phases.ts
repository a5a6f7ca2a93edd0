/**
 * From nothing to a phase in Redis for every node: the CPU of a watcher, a worker and Redis from their start to the last
 * commit, and the time it takes.
 *
 *   node bench/list-to-phases.ts [nodes]     by default 15000
 *
 * Baseline: one process that lists the same objects from the same server, judges them and keeps them in a map, from its
 * start to its end.
 */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { Redis } from "ioredis";
import { keysOf, SHARDS } from "@node-agent/shared/contract/keys.ts";
import { METRICS } from "@node-agent/shared/contract/metric-names.ts";
import { eventually } from "../test/support/eventually.ts";
import { cpuOf } from "./support/cpu.ts";
import { CLUSTER, startFleet, sumOf } from "./support/fleet.ts";
import { machine, progress, table } from "./support/report.ts";

const NODES = Number(process.argv[2] ?? 15_000);
const ROUNDS = 2;
const keys = keysOf(CLUSTER);
const shards = Array.from({ length: SHARDS }, (_, shard) => shard);

async function round(): Promise<Record<string, number>> {
  await using fleet = await startFleet({ nodes: NODES, heartbeatEvery: "1h", each: 1 });
  const client = new Redis(fleet.redis.url);
  // Its own count: names that the simulator draws twice are one node.
  const nodes = await sumOf(fleet.watchers, METRICS.watchedNodes.name);
  await eventually(
    async () => {
      const counts = await Promise.all(shards.map(async (shard) => client.hlen(keys.records(shard))));
      const judged = counts.reduce((sum, count) => sum + count, 0);
      if (judged < nodes) throw new Error(`${judged} judged`);
    },
    { within: 600_000, every: 100 },
  );
  const took = (performance.now() - fleet.agentsStartedAt) / 1000;
  const spent = (name: string): number => (cpuOf(fleet.pids[name] ?? 0) ?? Number.NaN) / 1000;
  const [watcher, worker, redis] = [spent("watcher-1"), spent("worker-1"), spent("redis")];
  const jobs = Number(/cmdstat_evalsha:calls=(\d+)/u.exec(await client.info("commandstats"))?.[1]);
  client.disconnect();
  const script = new URL("support/list-and-judge.ts", import.meta.url).pathname;
  const { stdout } = await promisify(execFile)(process.execPath, [script, fleet.simulator.kubeconfig]);
  const loop = JSON.parse(stdout) as { nodes: number; cpu: number };
  if (loop.nodes < nodes) throw new Error(`the loop saw ${loop.nodes} nodes of ${nodes}`);
  const cpu = watcher + worker + redis;
  return {
    took,
    watcher,
    worker,
    redis,
    scripts: jobs,
    cpu,
    loop: loop.cpu / 1000,
    ratio: (cpu * 1000) / loop.cpu,
  };
}

console.log(`# list of ${NODES} nodes to phases committed\n\n${machine()}\n`);
const results: Record<string, number>[] = [];
for (let i = 1; i <= ROUNDS; i += 1) {
  progress(`round ${i} of ${ROUNDS}: ${NODES} nodes`);
  results.push(await round());
  progress(JSON.stringify(results.at(-1)));
}
const columns = ["took", "watcher", "worker", "redis", "scripts", "cpu", "loop", "ratio"];
console.log(
  table(
    ["s from start", "CPU s watcher", "worker", "Redis", "scripts run", "CPU s all", "loop", "all / loop"],
    results.map((result) => columns.map((column) => (result[column] ?? Number.NaN).toFixed(2))),
  ),
);
console.log(`\n${JSON.stringify(results)}`);
