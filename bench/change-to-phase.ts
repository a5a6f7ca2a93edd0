/**
 * How long it takes from breaking (or healing) a node to its phase in Redis: 1,000 nodes with heartbeats, two watchers,
 * two workers, Redis with its append-only file, all as separate processes with the production's settings.
 *
 * Baseline: a bare watch in this process, open beside them, that only parses its lines. The ratio says what publishing,
 * the queue, judging and committing add to what any watcher has to wait for. The round trip of a PING beside it tells
 * how busy the machine was.
 */
import { setTimeout as delay } from "node:timers/promises";
import { Redis } from "ioredis";
import { keysOf, SHARDS } from "@node-agent/shared/contract/keys.ts";
import { METRICS } from "@node-agent/shared/contract/metric-names.ts";
import { eventually } from "../test/support/eventually.ts";
import { openBareWatch, type BareWatch } from "./support/bare-watch.ts";
import { startCpuMeter } from "./support/cpu.ts";
import { CLUSTER, startFleet, sumOf, type Fleet } from "./support/fleet.ts";
import { countInPhase, roundTrips, untilPhase } from "./support/phase-probe.ts";
import { machine, ms, progress, quantile, table } from "./support/report.ts";

const NODES = 1000;
const HEARTBEAT_EVERY = "10s";
const IDLE = 10_000;
/** Nodes at once, and how often they are broken and healed. */
const BURSTS = [
  { size: 1, rounds: 60 },
  { size: 10, rounds: 12 },
  { size: 100, rounds: 3 },
] as const;

interface Samples {
  readonly phase: number[];
  readonly bare: number[];
  /** Round trips of a PING between the bursts. */
  readonly ping: number[];
}

const keys = keysOf(CLUSTER);

async function idle(fleet: Fleet): Promise<Record<string, string>> {
  const count = async () => ({
    heartbeats: await sumOf(fleet.watchers, METRICS.heartbeatsIgnored.name),
    events: await sumOf(fleet.watchers, METRICS.watchEvents.name),
    evaluations: await sumOf(fleet.workers, METRICS.evaluations.name),
  });
  const before = await count();
  const stopMeter = startCpuMeter(fleet.pids);
  await delay(IDLE);
  const cpu = stopMeter();
  const after = await count();
  const heartbeats = after.heartbeats - before.heartbeats;
  console.log(
    `\nIdle for ${IDLE / 1000} s: ${after.events - before.events} watch events in 2 watchers, ` +
      `${heartbeats} of them heartbeats, ${after.evaluations - before.evaluations} evaluations`,
  );
  return cpu;
}

/** One control call for the whole burst; the clock starts before it is sent. */
async function change(
  fleet: Fleet,
  client: Redis,
  watch: BareWatch,
  nodes: readonly string[],
  to: "Unhealthy" | "Healthy",
): Promise<Samples> {
  const samples: Samples = { phase: [], bare: [], ping: [] };
  const seen = watch.until(nodes, to === "Healthy" ? "True" : "False", () =>
    samples.bare.push(performance.now() - startedAt),
  );
  const startedAt = performance.now();
  const single = nodes.length === 1 ? { node: nodes[0] ?? "" } : { pool: "standard", count: nodes.length };
  await Promise.all([
    fleet.simulator.command(
      to === "Unhealthy" ? { do: "break", fault: "not-ready", ...single } : { do: "heal", ...single },
    ),
    untilPhase(client, keys, nodes, to, () => samples.phase.push(performance.now() - startedAt)),
    seen,
  ]);
  return samples;
}

async function burst(
  fleet: Fleet,
  client: Redis,
  watch: BareWatch,
  { size, rounds }: (typeof BURSTS)[number],
): Promise<Samples> {
  const all: Samples = { phase: [], bare: [], ping: [] };
  const names = (await fleet.simulator.truth()).filter(({ gpus }) => gpus === 0).map(({ name }) => name);
  for (let round = 0; round < rounds; round += 1) {
    // The simulator takes the first that fit, and so do we; a single node is named and differs from round to round.
    const nodes = size === 1 ? [names[round] ?? ""] : names.slice(0, size);
    for (const to of ["Unhealthy", "Healthy"] as const) {
      const { phase, bare } = await change(fleet, client, watch, nodes, to);
      all.phase.push(...phase);
      all.bare.push(...bare);
      all.ping.push(...(await roundTrips(client, 20)));
      // Not in step with anything periodic.
      await delay(20 + Math.random() * 60);
    }
  }
  return all;
}

console.log(
  `# change to phase\n\n${machine()}; ${NODES} nodes, a heartbeat of each every ${HEARTBEAT_EVERY}`,
);
progress("starting Redis, the simulator, two watchers and two workers");
await using fleet = await startFleet({ nodes: NODES, heartbeatEvery: HEARTBEAT_EVERY });
using stack = new DisposableStack();
const client = stack.adopt(new Redis(fleet.redis.url), (one) => one.disconnect());
await eventually(
  async () => {
    const healthy = await countInPhase(client, keys, SHARDS, "Healthy");
    if (healthy < NODES) throw new Error(`${healthy} of ${NODES} nodes are Healthy`);
  },
  { within: 30_000, every: 100 },
);
await using watch = await openBareWatch(fleet.simulator.kubeconfig);
await delay(2000);
progress("all nodes are judged Healthy; counting what heartbeats cause");
const idleCpu = await idle(fleet);

const stopMeter = startCpuMeter(fleet.pids);
const rows: string[][] = [];
for (const one of BURSTS) {
  progress(`${one.rounds} times ${one.size} at once`);
  const { phase, bare, ping } = await burst(fleet, client, watch, one);
  const row = [0.5, 0.99, 1].map((p) => quantile(phase, p));
  const base = [0.5, 0.99].map((p) => quantile(bare, p));
  rows.push([
    String(one.size),
    String(phase.length),
    ...row.map(ms),
    ...base.map(ms),
    `${((row[0] ?? 0) / (base[0] ?? 1)).toFixed(1)} x`,
    ms(quantile(ping, 0.5)),
  ]);
}
const busyCpu = stopMeter();
console.log(`\nFrom the control call to the phase in Redis; resolution 1 to 2 ms (polled)\n`);
console.log(
  table(
    [
      "at once",
      "changes",
      "p50",
      "p99",
      "max",
      "bare watch p50",
      "bare watch p99",
      "ratio of p50",
      "ping p50",
    ],
    rows,
  ),
);
console.log("\nCPU, in per cent of one core\n");
console.log(
  table(
    ["process", "idle, heartbeats only", "while breaking and healing"],
    Object.keys(fleet.pids).map((name) => [name, idleCpu[name] ?? "", busyCpu[name] ?? ""]),
  ),
);
