/**
 * What goes on beside 5,000 held repairs among 15,000 nodes: how long from breaking another node to its phase in Redis,
 * and how late the repairs begin that may begin. The agents are monitor-only, with the limits of production.
 *
 *   node bench/beside-held.ts [nodes] [held]     by default 15000 and 5000
 *
 * Baseline: the same before anything is held.
 */
import { setTimeout as delay } from "node:timers/promises";
import { Redis } from "ioredis";
import { keysOf } from "@node-agent/shared/contract/keys.ts";
import { METRICS } from "@node-agent/shared/contract/metric-names.ts";
import { RedisStateStore } from "@node-agent/shared/redis/state-store.ts";
import { eventually } from "../test/support/eventually.ts";
import { CLUSTER, startFleet, sumOf } from "./support/fleet.ts";
import { untilPhase } from "./support/phase-probe.ts";
import { machine, ms, progress, quantile, table } from "./support/report.ts";

const [NODES = 15_000, HELD = 5000] = process.argv.slice(2).map(Number);
const THRESHOLD = 60_000;
/** Nodes that fail beside the others, one after the other: too few to open the breaker of their pool. */
const OTHERS = 60;

console.log(`# beside ${HELD} held repairs of ${NODES} nodes\n\n${machine()}\n`);
progress("starting");
await using fleet = await startFleet({
  nodes: NODES,
  heartbeatEvery: "5m",
  zones: ["a", "b", "c", "d", "e"],
  // The agents start for this: what follows a start is not measured.
  config: { checkers: { NodeReady: { threshold: `${THRESHOLD}ms` } }, timings: { blindGrace: "1s" } },
});
using stack = new DisposableStack();
const client = stack.adopt(new Redis(fleet.redis.url), (one) => one.disconnect());
const keys = keysOf(CLUSTER);
const store = new RedisStateStore(client, keys);
const nodes = await sumOf(fleet.watchers.slice(0, 1), METRICS.watchedNodes.name);
await eventually(
  async () => {
    const counts = await store.countRecords();
    const judged = counts.reduce((sum, { count }) => sum + count, 0);
    if (judged < nodes) throw new Error(`${judged} of ${nodes} judged`);
  },
  { within: 300_000, every: 500 },
);
const gpuNodes = (await fleet.simulator.truth()).filter(({ gpus }) => gpus > 0).map(({ name }) => name);

/** Breaks nodes of the other pool one after the other; milliseconds from the command to the phase. */
async function detect(names: readonly string[]): Promise<number[]> {
  const took: number[] = [];
  for (const node of names) {
    const startedAt = performance.now();
    await Promise.all([
      fleet.simulator.command({ do: "break", fault: "not-ready", node }),
      untilPhase(client, keys, [node], "Unhealthy", () => took.push(performance.now() - startedAt)),
    ]);
    await delay(50 + Math.random() * 100);
  }
  return took;
}

/** How late the repairs of these nodes begin after their threshold. */
async function lateness(names: readonly string[]): Promise<number[]> {
  const late = new Map<string, number>();
  await eventually(
    async () => {
      for (const { name, lastReboot, failing } of await store.getMany(names)) {
        const since = failing.NodeReady?.since;
        if (lastReboot !== undefined && since !== undefined)
          late.set(name, lastReboot.intendedAt - since - THRESHOLD);
      }
      if (late.size < names.length) throw new Error(`${late.size} of ${names.length} begun`);
    },
    { within: THRESHOLD + 120_000, every: 1000 },
  );
  return [...late.values()];
}

async function look(names: readonly string[]): Promise<Record<string, number>> {
  const detected = await detect(names);
  const late = await lateness(names);
  return {
    detected: quantile(detected, 0.5),
    detectedP99: quantile(detected, 0.99),
    late: quantile(late, 0.5),
    latest: quantile(late, 1),
  };
}

progress(`${OTHERS} failures before anything is held`);
const before = await look(gpuNodes.slice(0, OTHERS));
progress(JSON.stringify(before));
progress(`${HELD} fail at once; two minutes until all are held`);
await fleet.simulator.command({ do: "break", fault: "not-ready", pool: "standard", count: HELD });
await delay(2 * THRESHOLD);
progress(`${OTHERS} failures beside them`);
const beside = await look(gpuNodes.slice(OTHERS, 2 * OTHERS));
progress(JSON.stringify(beside));
const row = (
  name: string,
  { detected = 0, detectedP99 = 0, late = 0, latest = 0 }: typeof before,
): string[] => [name, ms(detected), ms(detectedP99), ms(late), ms(latest)];
console.log(
  table(
    ["", "detected p50", "p99", "repair begins late p50", "max"],
    [row("nothing held", before), row(`${HELD} held`, beside)],
  ),
);
console.log(
  `\np99 of detection: ${((beside["detectedP99"] ?? 0) / (before["detectedP99"] ?? 1)).toFixed(1)} x`,
);
console.log(`\n${JSON.stringify({ before, beside })}`);
