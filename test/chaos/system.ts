import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { merge, writeConfig, type ConfigPart } from "../support/agent-config.ts";
import { eventually } from "../support/eventually.ts";
import { ROOT, startProcess, type RunningProcess } from "../support/processes.ts";
import { observe, type Observation } from "../support/topology-observation.ts";
import { createTopologyLedger, type TopologyLedger } from "../support/topology-ledger.ts";
import { startPrivateRedis, type PrivateRedis } from "../support/topology-redis.ts";
import {
  startSimulatorProcess,
  type PoolPart,
  type SimulatorProcess,
} from "../support/topology-simulator.ts";
import { CHAOS_WORLD, chaosConfig, CLUSTER, LEDGER, LONGEST_WINDOW } from "./settings.ts";

/** What a system under chaos is made of. */
export interface SystemOptions {
  readonly pools: readonly PoolPart[];
  readonly watchers?: number;
  readonly workers?: number;
  /** The program of the workers, relative to the root of the repository; the real one by default. */
  readonly workerScript?: string;
  /** Merged into the configuration of every agent. */
  readonly config?: ConfigPart;
}

/** The place of one agent: a process runs in it, and another one after that was killed. */
export interface Slot {
  readonly name: string;
  readonly role: "watcher" | "worker";
  readonly running: () => RunningProcess | undefined;
  /** Starts a process where none runs. `config` is merged into its configuration, from now on. */
  readonly start: (config?: ConfigPart) => void;
  /** `kill -9`, and nobody comes in its place. */
  readonly kill: () => Promise<void>;
  /** SIGSTOP, and SIGCONT after a while unless it was killed meanwhile. */
  readonly freeze: (span: number) => Promise<void>;
}

/** Simulator, Redis, ledger and agents: all real processes. Disposing leaves none. */
export interface System extends AsyncDisposable, Observation {
  readonly redis: PrivateRedis;
  readonly simulator: SimulatorProcess;
  readonly ledger: TopologyLedger;
  readonly slots: readonly Slot[];
  /** A configuration file as the agents have it, for whoever looks on. */
  readonly configFile: string;
  readonly of: (role: Slot["role"]) => readonly Slot[];
  /** Everything dies and starts again: agents and Redis, at once. `config` changes that of the agents. */
  readonly restartAll: (config?: ConfigPart) => Promise<void>;
  /** Writes what the processes said to `.data/`, for whoever must find out why a run failed. Returns the folder. */
  readonly keepLogs: (run: string) => string;
}

/** Starts everything; resolves when every node is judged and the ledger is old enough to be believed. */
export async function startSystem(options: SystemOptions): Promise<System> {
  await using started = new AsyncDisposableStack();
  const dir = started.adopt(mkdtempSync(join(tmpdir(), "node-agent-chaos-")), (path) =>
    rmSync(path, { recursive: true, force: true }),
  );
  await keepCompiledCode();
  const redis = started.use(await startPrivateRedis());
  const simulator = started.use(
    await startSimulatorProcess(dir, { pools: options.pools, options: CHAOS_WORLD }),
  );
  const ledger = started.use(await createTopologyLedger(simulator.kubeconfig, LEDGER));
  const believedAt = performance.now() + LONGEST_WINDOW + 1500;
  const observation = started.use(observe(redis, CLUSTER));
  const { civo, kubeconfig } = simulator;
  const access = {
    cluster: CLUSTER,
    kubeconfig,
    civo: { url: civo.url, region: civo.region, clusterId: civo.clusterId },
  };
  const configFile = join(dir, "observer.yaml");
  writeConfig(configFile, chaosConfig(access, options.config ?? {}));
  const newSlot = (role: Slot["role"], index: number): SlotWithLogs => {
    const script = role === "worker" ? options.workerScript : undefined;
    return createSlot({
      name: `${role}-${index + 1}`,
      role,
      dir,
      script: script ?? `packages/${role}/src/main.ts`,
      configOf: (more) => chaosConfig(access, merge(options.config ?? {}, more)),
      env: { REDIS_URL: redis.url, CIVO_API_KEY: civo.apiKey },
    });
  };
  const slots = [
    ...Array.from({ length: options.watchers ?? 1 }, (_, i) => newSlot("watcher", i)),
    ...Array.from({ length: options.workers ?? 1 }, (_, i) => newSlot("worker", i)),
  ];
  started.defer(async () => {
    await Promise.all(slots.map(async (slot) => slot.kill()));
  });
  for (const slot of slots) slot.start();
  const keepLogs = (run: string): string => writeLogs(run, simulator, slots);
  try {
    const nodes = (await simulator.truth()).length;
    await eventually(
      async () => {
        const judged = (await observation.records()).length;
        if (judged !== nodes) throw new Error(`${judged} of ${nodes} nodes are judged`);
      },
      { within: 60_000, every: 200 },
    );
  } catch (error) {
    keepLogs("start");
    throw error;
  }
  await delay(Math.max(0, believedAt - performance.now()));
  const running = started.move();
  return {
    ...observation,
    redis,
    simulator,
    ledger,
    slots,
    configFile,
    of: (role) => slots.filter((slot) => slot.role === role),
    restartAll: async (config) => {
      await Promise.all(slots.map(async (slot) => slot.kill()));
      await redis.stop("SIGKILL");
      await redis.start();
      for (const slot of slots) slot.start(config);
    },
    keepLogs,
    [Symbol.asyncDispose]: async () => running.disposeAsync(),
  };
}

/**
 * Node keeps the code it compiled when a process ends by itself, and none does so here: without it every start would
 * cost half as much again.
 */
async function keepCompiledCode(): Promise<void> {
  for (const role of ["watcher", "worker"]) {
    await using warm = startProcess({
      name: role,
      script: `packages/${role}/src/main.ts`,
      args: ["--version"],
    });
    await warm.exited;
  }
}

interface SlotWithLogs extends Slot {
  /** The latest processes of this place, the running one last. */
  readonly processes: readonly RunningProcess[];
}

/** Processes per place whose logs are kept. */
const KEPT = 30;

function createSlot(made: {
  readonly name: string;
  readonly role: Slot["role"];
  readonly dir: string;
  readonly script: string;
  readonly configOf: (more: ConfigPart) => ConfigPart;
  readonly env: Readonly<Record<string, string>>;
}): SlotWithLogs {
  const { name, role, dir, script, configOf, env } = made;
  const file = join(dir, `${name}.yaml`);
  const processes: RunningProcess[] = [];
  const running = (): RunningProcess | undefined => {
    const last = processes.at(-1);
    return last?.exit() === undefined ? last : undefined;
  };
  let config: ConfigPart = {};
  return {
    name,
    role,
    processes,
    running,
    start: (more) => {
      if (running() !== undefined) return;
      config = more ?? config;
      writeConfig(file, configOf(config));
      processes.push(startProcess({ name, script, args: ["--config", file], env }));
      if (processes.length > KEPT) processes.shift();
    },
    kill: async () => running()?.kill9(),
    freeze: async (span) => {
      const frozen = running();
      frozen?.send("SIGSTOP");
      await delay(span);
      frozen?.send("SIGCONT");
    },
  };
}

function writeLogs(run: string, simulator: SimulatorProcess, slots: readonly SlotWithLogs[]): string {
  const folder = join(ROOT, ".data", "chaos-logs", run.replaceAll(/[^\w.-]+/gu, "-").slice(0, 80));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "simulator.log"), said(simulator.process));
  for (const { name, processes } of slots) {
    writeFileSync(join(folder, `${name}.log`), processes.map(said).join("\n--- killed ---\n"));
  }
  return folder;
}

function said({ lines, stderr }: RunningProcess): string {
  return `${lines.join("\n")}\n${stderr()}`;
}
