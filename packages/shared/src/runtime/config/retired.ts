import { isMapping, type RawSettings } from "./file.ts";
import type { Environment, Origin, Sources } from "./sources.ts";
import { variableOf } from "./table.ts";

/** A setting of earlier versions: what it sets now, or what replaces it. */
type Retired =
  /** `same`: keys that take its value. `zero`: keys that it sets to 0, so that it keeps its meaning. */
  { readonly same: readonly string[]; readonly zero?: string } | { readonly instead: string };

const NO_SHARE = "pool, zone and cluster have limits.open";
const RATE = "limits.rate limits the repairs that begin within an hour in the cluster";

/** Settings of earlier versions, by key; their variables are made from the key. */
const RETIRED: Readonly<Record<string, Retired>> = {
  "storm.budgets.pool": { same: ["limits.open.pool.count"], zero: "limits.open.pool.percent" },
  "storm.budgets.zone": { same: ["limits.open.zone.count"], zero: "limits.open.zone.percent" },
  "storm.budgets.cluster": { same: ["limits.open.cluster.count"], zero: "limits.open.cluster.percent" },
  "storm.budgets.perHour": { same: ["limits.rate.count"], zero: "limits.rate.percent" },
  "storm.budgets.nodePerDay": { same: ["limits.nodePerDay"] },
  "storm.budgets.override": { same: ["limits.override"] },
  "storm.unhealthyPercent": { same: ["breaker.percent.zone", "breaker.percent.cluster"] },
  "storm.checkerPercent": { same: ["breaker.percent.checker"] },
  "storm.floor": { same: ["breaker.floor"] },
  "storm.budgets.clusterPercent": {
    instead: `${NO_SHARE}, of which the larger of count and percent counts; for a cap set only limits.open.cluster.count and percent: 0`,
  },
  "storm.budgets.perDay": { instead: `${RATE}; there is no limit per day` },
  "storm.budgets.spacing": { instead: `${RATE}; the brake of each process follows from it` },
  "storm.burst": { instead: "breaker.floor and breaker.percent say when failures hold repairs" },
  "storm.burstWithin": { instead: "breaker.youngFor says which failures count" },
  "storm.uncured": { instead: "cureRate says when repairs of a checker in a pool slow down and stop" },
  "rebootRateLimit.max": { instead: `${RATE}; the brake of each process follows from it` },
  "rebootRateLimit.per": { instead: `${RATE}; the brake of each process follows from it` },
};

/** The variables of settings of earlier versions. */
export const RETIRED_SETTING_VARIABLES: readonly string[] = Object.keys(RETIRED).map(variableOf);

/**
 * Settings of earlier versions set what replaces them, with a warning. One that has lost its meaning is a fault that says
 * what to set instead, and so is one beside the setting that replaces it.
 */
export function readRetired(env: Environment, sources: Sources, origins: Map<string, Origin>): void {
  const { settings, faults, warnings, file } = sources;
  for (const [key, retired] of Object.entries(RETIRED)) {
    const variable = variableOf(key);
    const given = env[variable]?.trim() ?? "";
    const inFile = takePath(settings, key.split("."));
    const isVariable = given !== "";
    const value = isVariable ? given : inFile;
    if (value === undefined) continue;
    const name = isVariable ? variable : key;
    const shown = isVariable || file === undefined ? name : `${key} (${file})`;
    if ("instead" in retired) {
      faults.push(`${shown}: retired; ${retired.instead}`);
      continue;
    }
    const { same, zero } = retired;
    const targets = zero === undefined ? same : [...same, zero];
    const twice = targets.find((target) => valueAt(settings, target.split(".")) !== undefined);
    if (twice !== undefined) {
      faults.push(`${shown}: set together with ${twice}, which replaces it; remove ${name}`);
      continue;
    }
    for (const target of targets) {
      setPath(settings, target, target === zero ? 0 : value);
      origins.set(target, { from: isVariable ? "environment" : "file", name: shown });
    }
    warnings.push(`${shown}: deprecated; it sets ${meaningOf(retired)}. Set these instead`);
  }
}

function meaningOf({ same, zero }: Extract<Retired, { same: unknown }>): string {
  return `${same.join(" and ")}${zero === undefined ? "" : `, and ${zero} to 0`}`;
}

/** Sets a key of nested settings. */
export function setPath(settings: RawSettings, key: string, value: unknown): void {
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

function valueAt(settings: unknown, path: readonly string[]): unknown {
  let value = settings;
  for (const name of path) value = isMapping(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  return value;
}

/** Takes a value out of nested settings, and the sections that it leaves empty. */
function takePath(settings: RawSettings, [name = "", ...rest]: readonly string[]): unknown {
  if (!Object.hasOwn(settings, name)) return undefined;
  const child = settings[name];
  const last = rest.length === 0;
  if (!last && !isMapping(child)) return undefined;
  const value = last || !isMapping(child) ? child : takePath(child, rest);
  if (last || (isMapping(child) && Object.keys(child).length === 0)) delete settings[name];
  return value;
}
