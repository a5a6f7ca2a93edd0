import type { Clock } from "@node-agent/shared/ports/clock.ts";
import type { Machine, Pool } from "./machine.ts";
import type { Random } from "./random.ts";

/** A pool as a person describes it; everything but name and count has a default. */
export interface PoolOptions {
  readonly name: string;
  readonly count: number;
  /** Default: a UUID that the seed decides. */
  readonly id?: string | undefined;
  readonly size?: string | undefined;
  /** GPUs per node; default 0. */
  readonly gpus?: number | undefined;
  readonly gpuProduct?: string | undefined;
  /** Nodes are dealt over these in turn. */
  readonly zones?: readonly string[] | undefined;
  readonly labels?: Readonly<Record<string, string>> | undefined;
  readonly taints?: readonly { key: string; value?: string | undefined; effect: string }[] | undefined;
  /** Names of the first nodes; further ones are made up. */
  readonly nodeNames?: readonly string[] | undefined;
  /** The cloud writes the host names of the VMs in upper case, and kubelets theirs in lower case; default false. */
  readonly upperCaseHostNames?: boolean | undefined;
}

/** Turns a description into a pool of the world. */
export function poolFrom(options: PoolOptions, random: Random, region: string): Pool {
  const gpus = options.gpus ?? 0;
  const id = random.uuid();
  return {
    id: options.id ?? id,
    name: options.name,
    size: options.size ?? (gpus > 0 ? `an.g1.h100.kube.x${gpus}` : "g4s.kube.medium"),
    count: options.count,
    gpus,
    gpuProduct: options.gpuProduct ?? "NVIDIA-H100-80GB-HBM3",
    zones: options.zones ?? [`${region.toLowerCase()}-a`],
    labels: options.labels ?? {},
    upperCaseHostNames: options.upperCaseHostNames ?? false,
    taints: (options.taints ?? []).map(({ key, value, effect }) =>
      value === undefined ? { key, effect } : { key, value, effect },
    ),
  };
}

/** A machine that does not run yet, with an instance of its own; `index` counts all machines ever born. */
export function newMachine(birth: {
  readonly name: string;
  readonly pool: Pool;
  readonly index: number;
  readonly random: Random;
  readonly clock: Clock;
}): Machine {
  const { name, pool, index, random, clock } = birth;
  const now = clock.now();
  return {
    name,
    zone: pool.zones[index % pool.zones.length] ?? "",
    pool,
    instance: {
      id: random.uuid(),
      hostname: pool.upperCaseHostNames ? name.toUpperCase() : name,
      pool,
      status: "ACTIVE",
      createdAt: now,
      privateIp: `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`,
      publicIp: index % 2 === 0 ? `74.220.${(index >> 8) & 255}.${index & 255}` : null,
      initialPassword: `password-${random.text(16)}`,
      civostatsdToken: `statsd-${random.uuid()}`,
    },
    machineId: random.hex(32),
    podCidr: `10.${42 + ((index >> 8) % 200)}.${index & 255}.0/24`,
    power: "off",
    posting: false,
    runtimeUp: false,
    pluginUp: false,
    pluginForgotten: false,
    bootId: random.uuid(),
    bootedAt: now,
    silentSince: now,
    gpuAllocation: "plugin",
    faults: new Map(),
    heartbeat: undefined,
    kubeletAppointments: new Set(),
    cloudAppointments: new Set(),
    unregistered: false,
    guise: undefined,
  };
}
