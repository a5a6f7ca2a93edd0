import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NODE_OPTIONS } from "../../scripts/setup/node-options.ts";
import { startRedis, type RunningRedis } from "../../scripts/setup/redis.mjs";
import { eventually } from "../../test/support/eventually.ts";
import { writeConfig, type ConfigPart } from "../../test/support/agent-config.ts";
import { startAgent, untilReady, type Agent } from "../../test/support/topology-agent.ts";
import { startSimulatorProcess, type SimulatorProcess } from "../../test/support/topology-simulator.ts";

/** Name of the cluster of every run. */
export const CLUSTER = "bench";

/** A whole system of real processes with the production's own settings. */
export interface Fleet extends AsyncDisposable {
  readonly redis: RunningRedis;
  readonly simulator: SimulatorProcess;
  readonly watchers: readonly Agent[];
  readonly workers: readonly Agent[];
  /** When the agents were started, by the monotonic clock of this process. */
  readonly agentsStartedAt: number;
  /** Process ids by name. */
  readonly pids: Readonly<Record<string, number>>;
}

/** How large a fleet is and how often its kubelets post. */
export interface FleetOptions {
  readonly nodes: number;
  /** A duration; a real kubelet posts an unchanged status every 5 minutes. */
  readonly heartbeatEvery: string;
  /** Watchers, and workers, of each: 2 by default. */
  readonly each?: number;
  /** What the agents' configuration has besides the defaults. */
  readonly config?: ConfigPart;
}

/**
 * Starts Redis, a simulator, watchers and workers, and waits until they are ready. Thresholds and every other
 * time are the defaults, so nothing is rebooted within a run; the agents are monitor-only.
 */
export async function startFleet({
  nodes,
  heartbeatEvery,
  each = 2,
  config: more = {},
}: FleetOptions): Promise<Fleet> {
  await using started = new AsyncDisposableStack();
  const dir = started.adopt(mkdtempSync(join(tmpdir(), "node-agent-bench-")), (path) =>
    rmSync(path, { recursive: true, force: true }),
  );
  const redis = started.adopt(await startRedis(), async (one) => one.stop());
  const gpus = Math.round(nodes / 5);
  const simulator = started.use(
    await startSimulatorProcess(dir, {
      pools: [...poolsOf("standard", nodes - gpus), { name: "gpu", count: gpus, gpus: 8 }],
      options: { timings: { statusPeriod: heartbeatEvery }, bulk: true },
    }),
  );
  const config = join(dir, "agent.yaml");
  writeConfig(config, {
    cluster: CLUSTER,
    kubeconfig: simulator.kubeconfig,
    monitorOnly: true,
    metricsPort: 0,
    metricsHost: "127.0.0.1",
    ...more,
  });
  const roles = (["watcher", "worker"] as const).flatMap((role) =>
    Array.from({ length: each }, (_, index) => ({ role, name: `${role}-${index + 1}` })),
  );
  const agents = roles.map(({ role, name }) =>
    started.adopt(
      startAgent({
        name,
        role,
        args: ["--config", config],
        env: { REDIS_URL: redis.url, NODE_OPTIONS: NODE_OPTIONS },
      }),
      async (agent) => agent.kill9(),
    ),
  );
  const agentsStartedAt = performance.now();
  // A watcher is ready when it has listed every node.
  const ready = eventually(async () => Promise.all(agents.map(untilReady)), { within: 300_000, every: 100 });
  await Promise.race([ready, ...agents.map(untilEnded)]);
  const owned = started.move();
  return {
    redis,
    simulator,
    watchers: agents.slice(0, each),
    workers: agents.slice(each),
    agentsStartedAt,
    pids: {
      redis: redis.pid ?? 0,
      simulator: simulator.process.pid,
      ...Object.fromEntries(agents.map(({ name, pid }) => [name, pid])),
    },
    [Symbol.asyncDispose]: async () => owned.disposeAsync(),
  };
}

/** The simulator's largest pool. */
const LARGEST_POOL = 20_000;

/** One pool, or as many as so many nodes take. */
function poolsOf(name: string, nodes: number): { readonly name: string; readonly count: number }[] {
  const pools = Math.max(1, Math.ceil(nodes / LARGEST_POOL));
  return Array.from({ length: pools }, (_, i) => ({
    name: i === 0 ? name : `${name}-${i + 1}`,
    count: Math.floor((nodes + i) / pools),
  }));
}

/** Rejects when the agent ends, with what it said last: nobody ends one before the run is over. */
async function untilEnded({ name, exited, lines, stderr }: Agent): Promise<never> {
  await exited;
  throw new Error(`${name} ended: ${lines.slice(-5).join("\n")}${stderr()}`);
}

/** Sum of a metric over agents. */
export async function sumOf(agents: readonly Agent[], metric: string): Promise<number> {
  const values = await Promise.all(agents.map(async (agent) => agent.metric(metric)));
  return values.reduce((sum, value) => sum + value, 0);
}
