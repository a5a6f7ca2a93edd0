import { didYouMean, quote } from "./faults.ts";
import { isMapping, readConfigFile, type RawSettings, type ReadFile } from "./file.ts";
import type { Flags } from "./flags.ts";
import { parseBoolean } from "./kinds.ts";
import { PORT_EXPECTED } from "./schema.ts";
import type { Variable } from "./setting.ts";
import { CONFIG_TABLE, SECRET_TABLE } from "./table.ts";

/** Environment variables by name, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Where a value came from; a later word wins over an earlier one. */
export type Origin = { readonly from: "file" | "environment" | "flag"; readonly name: string };

/** All sources merged, before the schema has seen them. */
export interface Sources {
  readonly settings: RawSettings;
  readonly origins: ReadonlyMap<string, Origin>;
  readonly file?: string;
  readonly faults: string[];
  readonly warnings: string[];
}

function setPath(settings: RawSettings, key: string, value: unknown): void {
  const path = key.split(".");
  const last = path.pop() ?? key;
  let section = settings;
  for (const name of path) {
    section[name] ??= {};
    const child = section[name];
    // A scalar where a section belongs is the schema's fault to report.
    if (!isMapping(child)) return;
    section = child;
  }
  section[last] = value;
}

/** An empty variable counts as not set: that is how charts and compose files leave one out. */
export function variable(env: Environment, name: string): string | undefined {
  const value = env[name];
  return value === undefined || value.trim() === "" ? undefined : value;
}

const PLAIN_NUMBER = /^\s*(?<number>\d+(?:\.\d+)?)\s*$/u;

/** Kubernetes sets such variables for every Service of the namespace; the agent's own Service would look like ours. */
const SERVICE_LINK = /^tcp:\/\/|^udp:\/\//u;
const SERVICE_LINK_NAME = /_(?:SERVICE_HOST|SERVICE_PORT(?:_.*)?|PORT_\d+_(?:TCP|UDP)(?:_.*)?)$/u;

function readVariable({ name, unit }: Variable, value: string, faults: string[]): string | undefined {
  if (SERVICE_LINK.test(value)) {
    faults.push(
      `${name}: got ${quote(value)}, which Kubernetes sets for a Service of that name; set enableServiceLinks: false on the pod or rename the Service`,
    );
    return undefined;
  }
  if (unit === "port" && Number(value) === 0) {
    faults.push(`${name}: expected ${PORT_EXPECTED}, got ${quote(value)}`);
    return undefined;
  }
  if (unit !== "minutes") return value;
  const number = PLAIN_NUMBER.exec(value)?.groups?.["number"];
  if (number !== undefined) return `${number}m`;
  faults.push(`${name}: expected a number of minutes, such as 10 or 0.5, got ${quote(value)}`);
  return undefined;
}

/** The seed's rule: a monitor-only variable that cannot be read means monitor-only, whatever the file says. */
function readMonitorOnly(name: string, value: string, warnings: string[]): string {
  if (parseBoolean(value) !== undefined) return value;
  warnings.push(`${name}: expected true or false, got ${quote(value)}; staying in monitor-only mode`);
  return "true";
}

function readEnvironment(env: Environment, sources: Sources, origins: Map<string, Origin>): void {
  const { settings, faults, warnings } = sources;
  for (const { key, env: variables } of CONFIG_TABLE) {
    const given = variables.filter(({ name }) => variable(env, name) !== undefined);
    if (given.length === 0) continue;
    const values = given.map((entry) => {
      const value = readVariable(entry, variable(env, entry.name) ?? "", faults);
      return key === "monitorOnly" && value !== undefined
        ? readMonitorOnly(entry.name, value, warnings)
        : value;
    });
    if (values.includes(undefined)) continue;
    // Only lists have more than one variable (CIVO_NODE_POOL_ID and CIVO_NODE_POOL_IDS): they add up.
    setPath(settings, key, values.join(","));
    origins.set(key, { from: "environment", name: given.map(({ name }) => name).join(" and ") });
  }
}

function warnOfUnknownVariables(env: Environment, warnings: string[]): void {
  const known = [
    ...CONFIG_TABLE.flatMap((row) => row.env.map(({ name }) => name)),
    ...SECRET_TABLE.map((row) => row.variable),
  ];
  for (const name of Object.keys(env).toSorted()) {
    if (!name.startsWith("CIVO_NODE_AGENT_") || known.includes(name)) continue;
    if (SERVICE_LINK_NAME.test(name) || SERVICE_LINK.test(env[name] ?? "")) continue;
    warnings.push(`${name}: unknown variable, ignored${didYouMean(name, known)}`);
  }
}

/** Merges flags over environment over file; the schema adds the defaults. */
export function collectSources(flags: Flags, env: Environment, readFile: ReadFile): Sources {
  const path = flags.configFile;
  const file = path === undefined ? { settings: {}, faults: [] } : readConfigFile(path, readFile);
  const origins = new Map<string, Origin>();
  const sources: Sources = {
    settings: file.settings,
    origins,
    ...(path !== undefined && { file: path }),
    faults: [...file.faults],
    warnings: [],
  };
  readEnvironment(env, sources, origins);
  warnOfUnknownVariables(env, sources.warnings);
  for (const [key, value] of flags.values) {
    setPath(sources.settings, key, value);
    origins.set(key, {
      from: "flag",
      name: `--${CONFIG_TABLE.find((row) => row.key === key)?.flag ?? key}`,
    });
  }
  return sources;
}
