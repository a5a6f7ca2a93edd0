import { z } from "zod";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import { systemClock } from "@node-agent/shared/runtime/system-clock.ts";
import type { SeededLedger } from "../kubernetes-api/seeded-ledger.ts";
import type { PoolOptions } from "../world/births.ts";
import type { PoolLabelStyle } from "../world/node-labels.ts";
import type { Random } from "../world/random.ts";
import { DEFAULT_TIMINGS, type WorldTimings } from "../world/timings.ts";
import { durationSchema } from "./duration.ts";

/** Everything a simulator can be told; what is left out has a default. */
export interface SimulatorOptions {
  /** Name of the cluster, also the prefix of node names; default `demo`. */
  readonly cluster?: string | undefined;
  /** Default: a UUID that the seed decides. */
  readonly clusterId?: string | undefined;
  readonly region?: string | undefined;
  /** The same seed gives the same names, ids and tokens; default 1. */
  readonly seed?: number | undefined;
  /** World time per real time: 60 makes a minute a second; default 60. */
  readonly timeScale?: number | undefined;
  /** World durations (before the scale) that differ from the defaults. */
  readonly timings?: Partial<WorldTimings> | undefined;
  readonly pools?: readonly PoolOptions[] | undefined;
  /** Total number of nodes, dealt over the pools in proportion to their counts. */
  readonly nodes?: number | undefined;
  readonly poolLabel?: PoolLabelStyle | undefined;
  readonly cni?: "cilium" | "flannel" | undefined;
  /** Nodes carry images and managedFields, as large as real ones. */
  readonly bulk?: boolean | undefined;
  /** HTTPS for the Kubernetes API; default true. */
  readonly tls?: boolean | undefined;
  /** Changes of each kind that a watch can resume from; default 10,000. */
  readonly history?: number | undefined;
  readonly token?: string | undefined;
  readonly apiKey?: string | undefined;
  /** Ports; 0 or left out takes a free one. */
  readonly ports?:
    | {
        readonly kubernetes?: number | undefined;
        readonly civo?: number | undefined;
        readonly control?: number | undefined;
      }
    | undefined;
  /** Where to write the kubeconfig (mode 0600); rewritten when the token rotates. */
  readonly writeKubeconfig?: string | undefined;
  /** Put a ledger of reboots there, as old as the cluster: active mode needs one that it may trust. */
  readonly ledger?: SeededLedger | undefined;
  readonly clock?: Clock | undefined;
}

/** Pools when nobody names any: standard nodes and a few with eight GPUs. */
const DEFAULT_POOLS: readonly PoolOptions[] = [
  { name: "standard", count: 4, zones: ["lon1-a", "lon1-b"] },
  { name: "gpu", count: 2, gpus: 8, zones: ["lon1-a", "lon1-b"] },
];

/** World time runs this much faster than real time unless told otherwise. */
const DEFAULT_TIME_SCALE = 60;

const name = z
  .string()
  .regex(/^[a-z0-9]([-a-z0-9]{0,40}[a-z0-9])?$/, "expected lower-case letters, digits and dashes");
const port = z.int().min(0).max(65_535);
const effect = z.enum(["NoSchedule", "PreferNoSchedule", "NoExecute"]);

/** One pool of a configuration file. */
const poolSchema = z.strictObject({
  name,
  count: z.int().min(0).max(20_000),
  id: z.string().min(1).max(63).optional(),
  size: z.string().min(1).max(63).optional(),
  gpus: z.int().min(0).max(64).optional(),
  gpuProduct: z.string().min(1).max(63).optional(),
  zones: z.array(z.string().min(1)).min(1).optional(),
  labels: z.record(z.string(), z.string()).optional(),
  taints: z
    .array(z.strictObject({ key: z.string().min(1), value: z.string().optional(), effect }))
    .optional(),
  nodeNames: z
    .array(z.string().regex(/^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/, "expected a DNS name in lower case"))
    .optional(),
  upperCaseHostNames: z.boolean().optional(),
});

const timings = Object.fromEntries(
  Object.keys(DEFAULT_TIMINGS).map((key) => [key, durationSchema.optional()]),
);

/** The configuration file of the simulator (`--config`). */
export const optionsSchema = z.strictObject({
  cluster: name.optional(),
  clusterId: z.string().min(1).optional(),
  region: z
    .string()
    .regex(/^[A-Z0-9]+$/, "expected capitals and digits, such as LON1")
    .optional(),
  seed: z.int().min(0).optional(),
  timeScale: z.number().positive().max(100_000).optional(),
  timings: z.strictObject(timings).optional(),
  pools: z.array(poolSchema).min(1).optional(),
  nodes: z.int().min(1).max(20_000).optional(),
  poolLabel: z.enum(["both", "civo-node-pool", "node-pool"]).optional(),
  cni: z.enum(["cilium", "flannel"]).optional(),
  bulk: z.boolean().optional(),
  tls: z.boolean().optional(),
  history: z.int().min(1).optional(),
  token: z.string().min(1).optional(),
  apiKey: z.string().min(1).optional(),
  ports: z
    .strictObject({ kubernetes: port.optional(), civo: port.optional(), control: port.optional() })
    .optional(),
  writeKubeconfig: z.string().min(1).optional(),
  ledger: z.strictObject({ namespace: name, name }).optional(),
});

/** The pools to build: those named or the default ones, dealt anew when a total is asked for. */
export function plannedPools(options: Pick<SimulatorOptions, "pools" | "nodes">): readonly PoolOptions[] {
  const pools = options.pools ?? DEFAULT_POOLS;
  const total = options.nodes;
  if (total === undefined) return pools;
  const weights = pools.map((pool) => pool.count);
  const weight = weights.reduce((sum, count) => sum + count, 0);
  const planned: PoolOptions[] = [];
  let left = total;
  for (const [index, pool] of pools.entries()) {
    const share = weight === 0 ? total / pools.length : (total * pool.count) / weight;
    const count = index === pools.length - 1 ? left : Math.min(left, Math.round(share));
    planned.push({ ...pool, count });
    left -= count;
  }
  return planned;
}

/** The options with every default in its place. */
export function withDefaults(options: SimulatorOptions, random: Random) {
  return {
    cluster: options.cluster ?? "demo",
    clusterId: options.clusterId ?? random.uuid(),
    region: options.region ?? "LON1",
    seed: options.seed ?? 1,
    timeScale: options.timeScale ?? DEFAULT_TIME_SCALE,
    timings: options.timings ?? {},
    pools: plannedPools(options),
    poolLabel: options.poolLabel ?? ("both" as const),
    cni: options.cni ?? ("cilium" as const),
    bulk: options.bulk ?? false,
    tls: options.tls ?? true,
    history: options.history ?? 10_000,
    token: options.token ?? madeUpToken(random),
    apiKey: options.apiKey ?? madeUpKey(random),
    ports: { kubernetes: 0, civo: 0, control: 0, ...defined(options.ports) },
    ledger: options.ledger,
    writeKubeconfig: options.writeKubeconfig,
    clock: options.clock ?? systemClock,
  };
}

/** A bearer token that says where it comes from. */
export function madeUpToken(random: Random): string {
  return `simulated-token-${random.text(24)}`;
}

/** A Civo key that says where it comes from. */
export function madeUpKey(random: Random): string {
  return `simulated-key-${random.text(24)}`;
}

function defined(ports: SimulatorOptions["ports"]): Record<string, number> {
  return Object.fromEntries(
    Object.entries(ports ?? {}).filter((entry): entry is [string, number] => entry[1] !== undefined),
  );
}
