import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, expect } from "vitest";
import { agentConfig, merge, writeConfig, type ConfigPart } from "./agent-config.ts";
import { eventually } from "./eventually.ts";
import { ROOT, type LogLine, type RunningProcess } from "./processes.ts";
import { startAgent, untilReady, type Agent, type AgentRole } from "./topology-agent.ts";
import { observe, type Observation } from "./topology-observation.ts";
import { expectNoWrongReboot } from "./topology-oracle.ts";
import { startPrivateRedis, type PrivateRedis, type TopologyRedis } from "./topology-redis.ts";
import {
  startSimulatorProcess,
  type OracleReboot,
  type OracleRequest,
  type PoolPart,
  type SimulatorProcess,
} from "./topology-simulator.ts";

/** What a topology is made of; by default one watcher and one worker in active mode. */
export interface TopologyOptions {
  readonly pools: readonly PoolPart[];
  readonly watchers?: number;
  readonly workers?: number;
  /** Merged into the configuration file of every agent. */
  readonly config?: ConfigPart;
  /** Added to the environment of every agent. */
  readonly env?: Readonly<Record<string, string>>;
  /** Merged into the options of the simulator. */
  readonly simulator?: ConfigPart;
}

/** A whole system of real processes: Redis, a simulated cluster and cloud, watchers and workers. */
export interface Topology<R extends TopologyRedis = PrivateRedis> extends AsyncDisposable, Observation {
  readonly redis: R;
  readonly simulator: SimulatorProcess;
  readonly dir: string;
  /** The agents that were not replaced, in the order of their start. */
  readonly watchers: () => readonly Agent[];
  readonly workers: () => readonly Agent[];
  /** Every process that was ever started here, dead ones included. */
  readonly processes: () => readonly RunningProcess[];
  /** Starts one more agent, without waiting for it. */
  readonly start: (role: AgentRole, more?: AgentPart) => Agent;
  /** Starts an agent in place of one that ended, and waits until it is ready. */
  readonly replace: (agent: Agent) => Promise<Agent>;
  /** Log lines of all agents, dead ones too, that carry these facts; in the order of their times. */
  readonly logs: (facts: ConfigPart) => LogLine[];
  /**
   * Waits until a node is well, known to be well, and without a pending reboot; resolves to the reboots that its VM had.
   * `within` is generous: it is a deadline, not an expectation.
   */
  readonly recovered: (node: string, options?: { readonly within?: number }) => Promise<OracleReboot[]>;
  /** Calls that asked the cloud to reboot the VM behind a node, answered or not. */
  readonly rebootCalls: (node: string) => Promise<OracleRequest[]>;
  /** Sum of a metric over all agents of a role that run now. */
  readonly sum: (role: AgentRole, metric: string, labels?: Env) => Promise<number>;
}

type Env = Readonly<Record<string, string>>;

/** What one agent is told besides what all agents of its topology are told. */
export interface AgentPart {
  readonly args?: readonly string[];
  readonly env?: Env;
  readonly config?: ConfigPart;
}

/** Name of the cluster in every topology. */
const CLUSTER = "e2e";

/** Starts everything and waits until every node was judged (if anybody can). Disposing leaves no process and no file. */
async function startTopology<R extends TopologyRedis>(
  startRedis: (cluster: string) => Promise<R>,
  options: TopologyOptions,
): Promise<Topology<R>> {
  // Whatever was started before something fails is stopped again.
  await using started = new AsyncDisposableStack();
  const dir = started.adopt(mkdtempSync(join(tmpdir(), "node-agent-e2e-")), (path) =>
    rmSync(path, { recursive: true, force: true }),
  );
  const redis = started.use(await startRedis(CLUSTER));
  const { pools, simulator: world = {} } = options;
  const simulator = started.use(await startSimulatorProcess(dir, { pools, options: world }));
  const observation = started.use(observe(redis, CLUSTER));

  const all: Agent[] = [];
  const replaced = new Set<Agent>();
  started.defer(async () => {
    await Promise.all(all.map(async (agent) => agent.kill9()));
  });
  const { civo } = simulator;
  const common = agentConfig({
    cluster: CLUSTER,
    kubeconfig: simulator.kubeconfig,
    civo: { url: civo.url, region: civo.region, clusterId: civo.clusterId },
  });
  const start: Topology["start"] = (role, { args = [], env = {}, config = {} } = {}) => {
    const name = `${role}-${all.filter((agent) => agent.role === role).length + 1}`;
    const file = join(dir, `${name}.yaml`);
    writeConfig(file, merge(merge(common, options.config ?? {}), config));
    const agent = startAgent({
      name,
      role,
      args: ["--config", file, ...args],
      env: { REDIS_URL: redis.url, CIVO_API_KEY: civo.apiKey, ...options.env, ...env },
    });
    all.push(agent);
    return agent;
  };
  const current = (role: AgentRole): readonly Agent[] =>
    all.filter((agent) => agent.role === role && !replaced.has(agent));

  for (let i = 0; i < (options.watchers ?? 1); i += 1) start("watcher");
  for (let i = 0; i < (options.workers ?? 1); i += 1) start("worker");
  try {
    await Promise.all(all.map(untilReady));
    const canJudge = current("watcher").length > 0 && current("worker").length > 0;
    if (canJudge) await untilJudged(simulator, observation);
  } catch (error) {
    keepLogs([simulator.process, ...all], "start");
    throw error;
  }
  const running = started.move();
  return {
    ...observation,
    redis,
    simulator,
    dir,
    watchers: () => current("watcher"),
    workers: () => current("worker"),
    processes: () => [simulator.process, ...all],
    start,
    replace: async (agent) => {
      await agent.exited;
      replaced.add(agent);
      const next = start(agent.role);
      await untilReady(next);
      return next;
    },
    logs: (facts) =>
      all
        .flatMap((agent) => agent.logs())
        .filter((line) => Object.entries(facts).every(([key, value]) => line[key] === value))
        .toSorted((a, b) => String(a["time"]).localeCompare(String(b["time"]))),
    recovered: async (node, { within = 60_000 } = {}) => {
      await eventually(
        async () => {
          expect(await simulator.node(node), `${node} in truth`).toMatchObject({ healthy: true });
          expect((await observation.record(node))?.phase, `phase of ${node}`).toBe("Healthy");
          expect(await observation.pendingReboot(node), `pending reboot of ${node}`).toBeUndefined();
        },
        { within, every: 50 },
      );
      return simulator.reboots(node);
    },
    rebootCalls: async (node) => {
      const { instanceId } = await simulator.node(node);
      const requests = await simulator.requests("civo");
      return requests.filter(({ method, path }) => method !== "GET" && path.includes(instanceId));
    },
    sum: async (role, metric, labels = {}) => {
      const alive = all.filter((agent) => agent.role === role && agent.exit() === undefined);
      const values = await Promise.all(alive.map(async (agent) => agent.metric(metric, labels)));
      return values.reduce((sum, value) => sum + value, 0);
    },
    [Symbol.asyncDispose]: async () => running.disposeAsync(),
  };
}

/**
 * Gives the tests of a file one topology; call at the top level. After every test the oracle is asked whether a VM was
 * rebooted within its wait (I1) or while it was well (I2).
 */
export function useTopology(options: TopologyOptions): () => Topology {
  return useTopologyOn(startPrivateRedis, options);
}

/** The same on a Redis of another kind, which is started for the cluster of the topology. */
export function useTopologyOn<R extends TopologyRedis>(
  startRedis: (cluster: string) => Promise<R>,
  options: TopologyOptions,
): () => Topology<R> {
  let topology: Topology<R> | undefined;
  beforeAll(async () => {
    topology = await startTopology(startRedis, options);
  });
  afterEach(async ({ task }) => {
    if (topology === undefined) return;
    if (task.result?.state === "fail") keepLogs(topology.processes(), task.name);
    await expectNoWrongReboot(topology.simulator);
  });
  afterAll(async () => {
    await topology?.[Symbol.asyncDispose]();
  });
  return () => {
    if (topology === undefined) throw new Error("the topology did not start");
    return topology;
  };
}

async function untilJudged(simulator: SimulatorProcess, observation: Observation): Promise<void> {
  await eventually(
    async () => {
      const truth = await simulator.truth();
      expect((await observation.records()).length, "nodes judged").toBe(truth.length);
    },
    { within: 30_000, every: 50 },
  );
}

/** What the processes said, for whoever must find out why a test failed. */
function keepLogs(processes: readonly RunningProcess[], test: string): void {
  const folder = join(ROOT, ".data", "e2e-logs", test.replaceAll(/[^\w.-]+/gu, "-").slice(0, 80));
  mkdirSync(folder, { recursive: true });
  for (const { name, lines, stderr } of processes) {
    writeFileSync(join(folder, `${name}.log`), `${lines.join("\n")}\n${stderr()}`);
  }
}
