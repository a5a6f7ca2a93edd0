/**
 * How late a repair begins after it is due, with so many pending ones: all of them fail at one moment, so that all are due
 * at one moment. Limits are off and the agents are monitor-only, so that neither the cloud nor the ledger is measured.
 *
 *   node bench/late-calls.ts [pending ...]     by default 40 and 1000
 *
 * Baseline: in the same run, 40 repairs.
 */
import { Redis } from "ioredis";
import { RedisStateStore } from "@node-agent/shared/redis/state-store.ts";
import { keysOf } from "@node-agent/shared/contract/keys.ts";
import { METRICS } from "@node-agent/shared/contract/metric-names.ts";
import { eventually } from "../test/support/eventually.ts";
import { CLUSTER, startFleet, sumOf } from "./support/fleet.ts";
import { machine, ms, progress, quantile, table } from "./support/report.ts";

const SIZES = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [40, 1000];
/** All failures are judged before the first repair is due. */
const THRESHOLD = 60_000;

/** The most that these settings take. */
const MANY = 100_000;
const OFF = {
  // The agents start for this: what follows a start is not measured.
  timings: { blindGrace: "1s" },
  checkers: { NodeReady: { threshold: `${THRESHOLD}ms` } },
  limits: {
    open: { pool: { count: MANY }, zone: { count: MANY }, cluster: { count: MANY } },
    rate: { count: MANY },
    nodePerDay: 1000,
  },
  breaker: { floor: MANY },
  cureRate: { slowBelow: 0, stopBelow: 0 },
};

async function lateness(pending: number): Promise<number[]> {
  progress(`${pending} pending: starting`);
  await using fleet = await startFleet({
    nodes: Math.max(1000, pending * 1.5),
    heartbeatEvery: "5m",
    config: OFF,
  });
  using stack = new DisposableStack();
  const client = stack.adopt(new Redis(fleet.redis.url), (one) => one.disconnect());
  const store = new RedisStateStore(client, keysOf(CLUSTER));
  const nodes = await sumOf(fleet.watchers.slice(0, 1), METRICS.watchedNodes.name);
  await eventually(
    async () => {
      const counts = await store.countRecords();
      const judged = counts.reduce((sum, { count }) => sum + count, 0);
      if (judged < nodes) throw new Error(`${judged} of ${nodes} judged`);
    },
    { within: 300_000, every: 500 },
  );
  progress(`${pending} pending: break them`);
  await fleet.simulator.command({ do: "break", fault: "not-ready", pool: "standard", count: pending });
  const late = new Map<string, number>();
  await eventually(
    async () => {
      for (const { name, lastReboot, failing } of await store.listUnhealthy()) {
        const since = failing.NodeReady?.since;
        if (lastReboot === undefined || since === undefined) continue;
        late.set(name, lastReboot.intendedAt - since - THRESHOLD);
      }
      progress(`${late.size} of ${pending} begun`);
      if (late.size < pending) throw new Error(`${late.size} of ${pending} begun`);
    },
    { within: THRESHOLD + 240_000, every: 2000 },
  );
  return [...late.values()];
}

console.log(`# lateness of repairs\n\n${machine()}\n`);
const rows: string[][] = [];
const results: Record<string, number>[] = [];
for (const size of SIZES) {
  const late = await lateness(size);
  const [p50 = 0, p99 = 0, most = 0] = [0.5, 0.99, 1].map((p) => quantile(late, p));
  results.push({ pending: size, p50, p99, most });
  const base = results[0]?.["p99"] ?? 1;
  rows.push([String(size), ms(p50), ms(p99), ms(most), `${(p99 / base).toFixed(1)} x`]);
  progress(JSON.stringify(results.at(-1)));
}
console.log(table(["due at once", "p50", "p99", "max", "p99 / that of the first"], rows));
console.log(`\n${JSON.stringify(results)}`);
