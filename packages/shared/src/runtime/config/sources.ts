import { quote } from "./faults.ts";
import { readConfigFile, type RawSettings, type ReadFile } from "./file.ts";
import type { Flags } from "./flags.ts";
import { parseBoolean } from "./kinds.ts";
import { PORT_EXPECTED } from "./schema.ts";
import type { Variable } from "./setting.ts";
import { readRetired, setPath } from "./retired.ts";
import { CONFIG_TABLE } from "./table.ts";
import { isServiceLink, unknownVariables } from "./unknown-variables.ts";

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

/**
 * The value of a variable without blanks and line breaks at its ends, which Secrets made by `echo x | base64` have. An
 * empty variable counts as not set: that is how charts and compose files leave one out.
 */
export function variable(env: Environment, name: string): string | undefined {
  const value = env[name]?.trim();
  return value === "" ? undefined : value;
}

const PLAIN_NUMBER = /^\s*(?<number>\d+(?:\.\d+)?)\s*$/u;

function readVariable({ name, unit }: Variable, value: string, faults: string[]): string | undefined {
  if (isServiceLink(value)) {
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
  for (const { key, env: variables, addsUp } of CONFIG_TABLE) {
    const given = variables.filter(({ name }) => variable(env, name) !== undefined);
    if (given.length === 0) continue;
    const values = given.map((entry) => {
      const value = readVariable(entry, variable(env, entry.name) ?? "", faults);
      return key === "monitorOnly" && value !== undefined
        ? readMonitorOnly(entry.name, value, warnings)
        : value;
    });
    if (values.includes(undefined)) continue;
    const name = given.map((entry) => entry.name).join(" and ");
    if (!addsUp && new Set(values).size > 1) {
      faults.push(`${name}: set together with different values; set only one of them`);
      continue;
    }
    setPath(settings, key, addsUp ? values.join(",") : values[0]);
    origins.set(key, { from: "environment", name });
  }
}

/** Merges flags over environment over file; the schema adds the defaults. */
export function collectSources(flags: Flags, env: Environment, readFile: ReadFile): Sources {
  const path = flags.configFile;
  const file = path === undefined ? { settings: {}, faults: [] } : readConfigFile(path, readFile);
  const origins = new Map<string, Origin>();
  const unknown = unknownVariables(env);
  const sources: Sources = {
    settings: file.settings,
    origins,
    ...(path !== undefined && { file: path }),
    faults: [...file.faults, ...unknown.faults],
    warnings: [...unknown.warnings],
  };
  readEnvironment(env, sources, origins);
  readRetired(env, sources, origins);
  for (const [key, value] of flags.values) {
    setPath(sources.settings, key, value);
    origins.set(key, {
      from: "flag",
      name: `--${CONFIG_TABLE.find((row) => row.key === key)?.flag ?? key}`,
    });
  }
  return sources;
}
