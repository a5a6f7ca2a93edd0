import { VERSION } from "../version.ts";
import { adviseOn, checkTogether } from "./checks.ts";
import type { Config, Role } from "./config.ts";
import type { ReadFile } from "./file.ts";
import { readFlags } from "./flags.ts";
import { helpText } from "./help.ts";
import { parseSettings } from "./parse.ts";
import { resolveRedis } from "./redis.ts";
import type { Settings } from "./schema.ts";
import { readSecrets, type Secrets } from "./secrets.ts";
import { collectSources, type Environment } from "./sources.ts";
import type { RedisSettings } from "./redis-url.ts";

/** Everything that configuration is read from; `argv` without the runtime and the script. */
export interface ConfigInput {
  readonly role: Role;
  readonly argv: readonly string[];
  readonly env: Environment;
  readonly readFile: ReadFile;
}

/** What came of reading the configuration. `Help` and `Version` carry the text to print. */
export type ConfigResult =
  | { readonly kind: "Loaded"; readonly config: Config; readonly warnings: readonly string[] }
  | { readonly kind: "Faulty"; readonly faults: readonly string[] }
  | { readonly kind: "Help" | "Version"; readonly text: string };

function freezeDeeply<T>(value: T): T {
  if (typeof value === "object" && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    Object.values(value).forEach(freezeDeeply);
  }
  return value;
}

function configOf(role: Role, settings: Settings, redis: RedisSettings, secrets: Secrets): Config {
  const { url, allowInsecure, region, clusterId } = settings.civo;
  const apiKey = secrets["civo.apiKey"];
  return freezeDeeply({
    ...settings,
    role,
    // Not the other way round: a worker has CIVO_CLUSTER_ID from its Secret and a watcher may not, and both must
    // come to the same prefix in Redis when the file names the cluster.
    cluster: settings.cluster ?? clusterId ?? "default",
    redis,
    civo: {
      url,
      allowInsecure,
      ...(apiKey !== undefined && { apiKey }),
      ...(region !== undefined && { region }),
      ...(clusterId !== undefined && { clusterId }),
    },
  });
}

/**
 * Reads the configuration of one process: flags over environment over file over defaults. Pure but for `readFile`.
 * All faults are reported together, each naming the variable, flag or key and quoting the value; none shows a secret.
 */
export function loadConfig({ role, argv, env, readFile }: ConfigInput): ConfigResult {
  const flags = readFlags(argv);
  if (flags.help) return { kind: "Help", text: helpText(role) };
  if (flags.version) return { kind: "Version", text: VERSION };
  const sources = collectSources(flags, env, readFile);
  const { settings, faults: unparsed } = parseSettings(sources);
  const { secrets, faults: secretFaults } = readSecrets(settings, sources, env, readFile);
  const redis = resolveRedis(settings, secrets, sources);
  const hasApiKey = secrets["civo.apiKey"] !== undefined || secretFaults.length > 0;
  const faults = [
    ...flags.faults,
    ...sources.faults,
    ...unparsed,
    ...secretFaults,
    ...("faults" in redis ? redis.faults : []),
    ...checkTogether(settings, { role, hasApiKey, parsed: unparsed.length === 0 }, sources),
  ];
  if (faults.length > 0 || "faults" in redis) return { kind: "Faulty", faults };
  return {
    kind: "Loaded",
    config: configOf(role, settings, redis, secrets),
    warnings: [...sources.warnings, ...adviseOn(settings)],
  };
}

/** The faults as a person reads them on standard error. */
export function faultReport(role: Role, faults: readonly string[]): string {
  const count = faults.length === 1 ? "a fault" : `${faults.length} faults`;
  return [
    `node-agent ${role} cannot start: ${count} in its configuration`,
    ...faults.map((one) => `  - ${one}`),
    "",
  ].join("\n");
}
