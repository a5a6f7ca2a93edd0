import { join } from "node:path";
import { z } from "zod";
import { writeConfig, type ConfigPart } from "./agent-config.ts";
import { lineOf, startProcess, type RunningProcess } from "./processes.ts";

/** How fast the simulated world moves, in real time (its time scale is 1). */
const WORLD_TIMINGS = {
  boot: "500ms",
  cloudReboot: "300ms",
  build: "500ms",
  stop: "200ms",
  kubeletReady: "200ms",
  devicePlugin: "300ms",
  statusPeriod: "2s",
  nodeMonitorGrace: "300ms",
  evictionTaint: "100ms",
  cloudControllerPeriod: "100ms",
  pluginGrace: "400ms",
  reregister: "200ms",
  bookmarkPeriod: "200ms",
  continueToken: "1m",
} as const;

/** Where the ledger of reboots lives, in the simulated cluster and in the agent's defaults. */
const LEDGER = { namespace: "node-agent-system", name: "node-agent-ledger" } as const;

/** A pool of the world; node names are given, so that tests can speak of them. */
export interface PoolPart {
  readonly name: string;
  readonly nodeNames?: readonly string[];
  readonly upperCaseHostNames?: boolean;
  readonly count?: number;
  readonly gpus?: number;
}

const readySchema = z.object({
  kubernetes: z.object({ url: z.string() }),
  civo: z.object({ url: z.string(), apiKey: z.string(), clusterId: z.string(), region: z.string() }),
  control: z.object({ url: z.string() }),
});

const rebootSchema = z.object({
  instanceId: z.string(),
  node: z.string(),
  at: z.number(),
  requestAt: z.number(),
  healthyAtExecution: z.boolean(),
});
/** One executed reboot, as the cloud itself knows it. */
export type OracleReboot = z.infer<typeof rebootSchema>;

const truthSchema = z.object({
  name: z.string(),
  gpus: z.number(),
  instanceId: z.string(),
  healthy: z.boolean(),
  ready: z.boolean(),
  power: z.string(),
  bootId: z.string(),
  uid: z.string().optional(),
});
/** A node as it really is. */
export type NodeTruth = z.infer<typeof truthSchema>;

const requestSchema = z.object({
  at: z.number(),
  api: z.string(),
  method: z.string(),
  path: z.string(),
  userAgent: z.string(),
  status: z.number().optional(),
});
/** A request as one of the two APIs saw it. */
export type OracleRequest = z.infer<typeof requestSchema>;

/** A simulator process: a cluster and a cloud that can be broken. */
export interface SimulatorProcess extends AsyncDisposable {
  readonly process: RunningProcess;
  readonly kubernetes: { readonly url: string };
  readonly civo: z.infer<typeof readySchema>["civo"];
  readonly kubeconfig: string;
  /** Does what a command of the control endpoint says. Throws when the simulator refuses it. */
  command(command: ConfigPart): Promise<void>;
  /** Breaks a node; by default the next reboot cures it. */
  break(node: string, fault: string, options?: ConfigPart): Promise<void>;
  heal(node: string): Promise<void>;
  truth(): Promise<NodeTruth[]>;
  node(name: string): Promise<NodeTruth>;
  /** Reboots that really happened, oldest first: of one node, or all. */
  reboots(node?: string): Promise<OracleReboot[]>;
  requests(api: "civo" | "kubernetes"): Promise<OracleRequest[]>;
  clearFaults(): Promise<void>;
}

/** Without a deadline a simulator that is stuck would end a test without a reason. */
const ANSWER_DEADLINE = 15_000;

/** Starts a simulator whose files live in `dir`. */
export async function startSimulatorProcess(
  dir: string,
  { pools, options = {} }: { readonly pools: readonly PoolPart[]; readonly options?: ConfigPart },
): Promise<SimulatorProcess> {
  const config = join(dir, "simulator.yaml");
  const kubeconfig = join(dir, "kubeconfig");
  const { timings, ...others } = options;
  writeConfig(config, {
    timeScale: 1,
    timings: { ...WORLD_TIMINGS, ...(timings as ConfigPart | undefined) },
    pools: pools.map((pool) => ({ ...pool, count: pool.count ?? pool.nodeNames?.length ?? 1 })),
    writeKubeconfig: kubeconfig,
    ledger: LEDGER,
    ...others,
  });
  const child = startProcess({
    name: "simulator",
    script: "packages/simulator/src/main.ts",
    args: ["--config", config],
  });
  const ready = await lineOf(child, (line) => readySchema.safeParse(JSON.parse(line)).data);

  const ask = async (method: string, path: string, body?: ConfigPart): Promise<unknown> => {
    const response = await fetch(`${ready.control.url}${path}`, {
      method,
      signal: AbortSignal.timeout(ANSWER_DEADLINE),
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const answer = await response.text();
    if (!response.ok) throw new Error(`simulator: ${method} ${path}: ${response.status} ${answer}`);
    return JSON.parse(answer);
  };
  const command = async (body: ConfigPart): Promise<void> => {
    await ask("POST", "/commands", body);
  };
  return {
    process: child,
    kubernetes: ready.kubernetes,
    civo: ready.civo,
    kubeconfig,
    command,
    break: async (node, fault, more = {}) => command({ do: "break", node, fault, ...more }),
    heal: async (node) => command({ do: "heal", node }),
    truth: async () => z.array(truthSchema).parse(await ask("GET", "/nodes")),
    node: async (name) => truthSchema.parse(await ask("GET", `/nodes/${name}`)),
    reboots: async (node) => {
      const all = z.array(rebootSchema).parse(await ask("GET", "/reboots"));
      return node === undefined ? all : all.filter((reboot) => reboot.node === node);
    },
    requests: async (api) => z.array(requestSchema).parse(await ask("GET", `/requests?api=${api}`)),
    clearFaults: async () => command({ do: "clear-faults" }),
    [Symbol.asyncDispose]: async () => child.kill9(),
  };
}
