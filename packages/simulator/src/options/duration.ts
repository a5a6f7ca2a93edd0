import { z } from "zod";
import { HOUR, MINUTE, SECOND, type Millis } from "@node-agent/shared/core/time.ts";

const UNITS: Readonly<Record<string, Millis>> = { ms: 1, s: SECOND, m: MINUTE, h: HOUR };

/** `500ms`, `5s`, `1.5m`, `2h` in milliseconds; undefined for anything else. */
export function parseDuration(text: string): Millis | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text.trim());
  const unit = UNITS[match?.[2] ?? ""];
  return match === null || unit === undefined ? undefined : Number(match[1]) * unit;
}

/** A duration in a file or body, read into milliseconds. */
export const durationSchema = z.string().transform((text, context): Millis => {
  const span = parseDuration(text);
  if (span !== undefined) return span;
  context.issues.push({
    code: "custom",
    message: "expected a duration such as 500ms, 5s, 10m or 1h",
    input: text,
  });
  return z.NEVER;
});
