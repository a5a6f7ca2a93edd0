import { z } from "zod";
import { settingsSchema } from "./schema.ts";
import { settingFacts, type Variable } from "./setting.ts";

/** One row of the table of settings. */
export interface SettingRow {
  /** Path in the YAML file: `rebootWait.gpu`; `<pool>` stands for a name of the operator's. */
  readonly key: string;
  readonly env: readonly Variable[];
  /** Several variables add up; else they are names of one value. */
  readonly addsUp: boolean;
  /** Without dashes. */
  readonly flag?: string;
  readonly default: string;
  readonly meaning: string;
  readonly confidential: boolean;
  /** The value is a span of time, written like `5m`. */
  readonly isDuration: boolean;
}

/** The variable of a key: `timings.lockDuration` is `CIVO_NODE_AGENT_TIMINGS_LOCK_DURATION`. */
export function variableOf(key: string): string {
  const snake = key.replaceAll(/(?<=[a-z0-9])(?=[A-Z])/gu, "_").replaceAll(".", "_");
  return `CIVO_NODE_AGENT_${snake.toUpperCase()}`;
}

function walk(schema: z.core.$ZodType, key: string): SettingRow[] {
  if (schema instanceof z.ZodPrefault) return walk(schema.unwrap(), key);
  if (schema instanceof z.ZodObject)
    return Object.entries<z.core.$ZodType>(schema.shape).flatMap(([name, child]) =>
      walk(child, key === "" ? name : `${key}.${name}`),
    );
  if (schema instanceof z.ZodRecord) return walk(schema.valueType, `${key}.<pool>`);
  const facts = settingFacts.get(schema);
  // Every leaf is made by `setting` or `optional`, which note its facts.
  if (facts === undefined) throw new TypeError(`the setting ${key} has no description`);
  const { meaning, flag, confidential = false, addsUp = false, env = [{ name: variableOf(key) }] } = facts;
  const row = { key, env, addsUp, default: facts.default, meaning, confidential };
  return [{ ...row, ...(flag !== undefined && { flag }), isDuration: facts.isDuration === true }];
}

/** Every setting, in the order of the schema from which it is generated; the documents are held to it. */
export const CONFIG_TABLE: readonly SettingRow[] = walk(settingsSchema, "");

/** A secret that the environment may hold itself, or name a file for. It never stands in the YAML file. */
export interface SecretRow {
  readonly key: string;
  readonly variable: string;
  readonly fileKey: string;
  readonly meaning: string;
}

/** The secrets, which are no settings: they come from a variable or a mounted file only. */
export const SECRET_TABLE = [
  {
    key: "civo.apiKey",
    variable: "CIVO_API_KEY",
    fileKey: "civo.apiKeyFile",
    meaning: "Civo API key; needed by a worker in active mode.",
  },
  {
    key: "redis.password",
    variable: "REDIS_PASSWORD",
    fileKey: "redis.passwordFile",
    meaning: "Password of Redis, unless its URL holds it.",
  },
  {
    key: "redis.sentinelPassword",
    variable: "REDIS_SENTINEL_PASSWORD",
    fileKey: "redis.sentinelPasswordFile",
    meaning: "Password of the Sentinels.",
  },
] as const satisfies readonly SecretRow[];

export type SecretKey = (typeof SECRET_TABLE)[number]["key"];
