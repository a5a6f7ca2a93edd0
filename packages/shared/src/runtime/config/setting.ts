import { z } from "zod";
import { Expected, type Kind } from "./kinds.ts";

/**
 * One environment variable that sets a key. A `minutes` variable holds a bare number, which may have decimals; a
 * `port` variable never takes 0, since a port nobody knows cannot be scraped.
 */
export interface Variable {
  readonly name: string;
  readonly unit?: "minutes" | "port";
}

/** What is known of a setting besides its type; the documents and the help are made from it. */
export interface SettingMeta {
  /** One sentence for an operator. */
  readonly meaning: string;
  /** The default as text; empty when there is none. */
  readonly default: string;
  /** Variables of its own. Without any the name is made from the key: `timings.lockDuration` is `CIVO_NODE_AGENT_TIMINGS_LOCK_DURATION`. */
  readonly env?: readonly Variable[];
  /** Several variables add up, as those of a list do; without it they are names of one value and must agree. */
  readonly addsUp?: true;
  /** The flag that sets it, without dashes. */
  readonly flag?: string;
  /** The value may hold a secret: no message quotes it. */
  readonly confidential?: boolean;
  /** The value is a span of time; `default` reads like `5m`. */
  readonly isDuration?: true;
}

/** The facts of each leaf of the schema. */
export const settingFacts = z.registry<SettingMeta>();

type Options = Omit<SettingMeta, "default" | "isDuration">;

function leaf<T, D>(kind: Kind<T>, fallback: D, meta: SettingMeta): z.ZodType<T | D> {
  const schema = z
    .unknown()
    .optional()
    .transform((raw, context): T | D => {
      if (raw === undefined) return fallback;
      const value = kind.read(raw);
      if (!(value instanceof Expected)) return value;
      context.addIssue({ code: "custom", message: value.text });
      return z.NEVER;
    });
  settingFacts.add(schema, kind.isDuration === true ? { ...meta, isDuration: true } : meta);
  return schema;
}

/** A setting with a default. */
export function setting<T>(kind: Kind<T>, fallback: T, options: Options): z.ZodType<T> {
  return leaf(kind, fallback, { ...options, default: kind.print(fallback) });
}

/** A setting that may be absent. */
export function optional<T>(kind: Kind<T>, options: Options): z.ZodType<T | undefined> {
  return leaf(kind, undefined, { ...options, default: "" });
}

/** A group of settings; a key that is not in it is an error. */
export function section<T extends z.ZodRawShape>(shape: T): z.ZodPrefault<z.ZodObject<T, z.core.$strict>> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- every key has a default, so {} is a valid input
  return z.strictObject(shape).prefault({} as z.input<z.ZodObject<T, z.core.$strict>>);
}
