import { connectKubernetes, type KubernetesConnection } from "@node-agent/kubernetes";
import type { Config } from "@node-agent/shared/runtime/config/config.ts";
import { loadConfig } from "@node-agent/shared/runtime/config/load.ts";
import { VERSION } from "@node-agent/shared/runtime/version.ts";
import { CliError } from "./errors.ts";
import type { Terminal } from "./terminal.ts";

/** What every command may be told. */
export interface GlobalOptions {
  readonly output: "table" | "json";
  readonly color: boolean;
  readonly config?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly cluster?: string;
}

const PASSED_ON = ["config", "kubeconfig", "context", "cluster"] as const;

/** Reads the configuration as a worker would: flags over environment over file. Throws `CliError` with every fault. */
export function readConfig(options: GlobalOptions, { env, readFile }: Terminal): Config {
  const argv = PASSED_ON.flatMap((name) => {
    const value = options[name];
    return value === undefined ? [] : [`--${name}=${value}`];
  });
  // The role that needs no key of a cloud: this process never calls one.
  const loaded = loadConfig({ role: "console", argv, env, readFile });
  if (loaded.kind === "Loaded") return loaded.config;
  const faults = loaded.kind === "Faulty" ? loaded.faults : [];
  const count = faults.length === 1 ? "a fault" : `${faults.length} faults`;
  throw new CliError(
    "Configuration",
    [`${count} in the configuration`, ...faults.map((fault) => `  - ${fault}`)].join("\n"),
  );
}

/** A cluster for the length of one command. Throws `KubernetesConfigError`. */
export async function withKubernetes<T>(
  { kubeconfig, context }: Config,
  { clock, env }: Terminal,
  use: (connection: KubernetesConnection) => Promise<T>,
): Promise<T> {
  const userAgent = `node-recovery-agent/${VERSION} (node-agent)`;
  const connection = connectKubernetes({ kubeconfig, context, userAgent, clock, environment: env });
  try {
    return await use(connection);
  } finally {
    await connection.close();
  }
}
