import type { Millis } from "../../core/time.ts";
import { formatDuration, LONGEST_DURATION, parseDuration } from "./durations.ts";

/** Why a raw value was refused, as the end of a sentence that begins with "expected". */
export class Expected {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** How one sort of setting is read from a flag, a variable (both strings) or a YAML scalar, and printed again. */
export interface Kind<T> {
  read(raw: unknown): T | Expected;
  /** The value as a document or a log line shows it; never a secret. */
  print(value: T): string;
  /** The values are spans of time in milliseconds. */
  readonly isDuration?: true;
}

/** A span of time; `min` and `max` are inclusive. */
export function duration({
  min = 0,
  max = LONGEST_DURATION,
}: { min?: Millis; max?: Millis } = {}): Kind<Millis> {
  return {
    read: (raw) => {
      const value = typeof raw === "string" || raw === 0 ? parseDuration(String(raw)) : undefined;
      if (value === undefined) return new Expected("a duration with a unit, such as 5m, 1h30m or 2s");
      if (value < min && min <= 1) return new Expected("a duration greater than zero");
      if (value < min) return new Expected(`a duration of at least ${formatDuration(min)}`);
      if (value > max) return new Expected(`a duration of at most ${formatDuration(max)}`);
      return value;
    },
    print: formatDuration,
    isDuration: true,
  };
}

/** The smallest duration of a setting that may not be zero. */
export const POSITIVE: { min: Millis } = { min: 1 };

/** A whole number within inclusive bounds. */
export function integer(min: number, max: number): Kind<number> {
  return {
    read: (raw) => {
      const text = typeof raw === "number" || typeof raw === "string" ? String(raw).trim() : "";
      const value = /^-?\d+$/u.test(text) ? Number(text) : Number.NaN;
      return value >= min && value <= max ? value : new Expected(`a whole number from ${min} to ${max}`);
    },
    print: String,
  };
}

/** Anything that Go's `strconv.ParseBool` takes, as the seed agent does, in any case. */
export function parseBoolean(raw: unknown): boolean | undefined {
  if (typeof raw === "boolean") return raw;
  if (typeof raw !== "string") return undefined;
  if (/^(?:1|t|true)$/iu.test(raw.trim())) return true;
  return /^(?:0|f|false)$/iu.test(raw.trim()) ? false : undefined;
}

/** True or false. */
export const boolean: Kind<boolean> = {
  read: (raw) => parseBoolean(raw) ?? new Expected("true or false"),
  print: String,
};

/** Text without blanks and line breaks at its ends, wherever it comes from: no setting has any there. */
function trimmed(raw: unknown): unknown {
  return typeof raw === "string" ? raw.trim() : raw;
}

/** One of a closed set. */
export function oneOf<const T extends string>(values: readonly T[]): Kind<T> {
  return {
    read: (raw) =>
      values.find((value) => value === trimmed(raw)) ?? new Expected(`one of ${values.join(", ")}`),
    print: String,
  };
}

/** Text of which every character is checked; `expected` describes it in words. */
export function wordOf(pattern: RegExp, expected: string): Kind<string> {
  return {
    // YAML reads an unquoted 123 as a number; as an id it is meant as text.
    read: (raw) => {
      const value = trimmed(typeof raw === "number" ? String(raw) : raw);
      return typeof value === "string" && pattern.test(value) ? value : new Expected(expected);
    },
    print: (value) => value,
  };
}

/** A list: a YAML sequence, or comma-separated in flags and variables; empty items of the latter are dropped. */
export function list<T>(item: Kind<T>, expected: string): Kind<readonly T[]> {
  return {
    read: (raw) => {
      if (!Array.isArray(raw) && typeof raw !== "string" && typeof raw !== "number")
        return new Expected(expected);
      const parts: unknown[] = Array.isArray(raw)
        ? raw
        : String(raw)
            .split(",")
            .map((part) => part.trim())
            .filter((part) => part !== "");
      // "," is a template that lost its values; taken as "none given" it would select every node.
      if (parts.length === 0 && !Array.isArray(raw)) return new Expected(expected);
      const values: T[] = [];
      for (const part of parts) {
        const value = item.read(part);
        if (value instanceof Expected) return new Expected(expected);
        if (!values.includes(value)) values.push(value);
      }
      return values;
    },
    print: (values) => values.map((value) => item.print(value)).join(","),
  };
}
