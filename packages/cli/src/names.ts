import type { Millis } from "@node-agent/shared/core/time.ts";
import { formatDuration, parseDuration } from "@node-agent/shared/runtime/config/durations.ts";
import { CliError } from "./errors.ts";

const NODE_NAME = /^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$/u;
/** Pools are the values of a label. */
const POOL_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/u;
const LONGEST_REASON = 200;

/** A node's name as Kubernetes allows it. Throws `CliError` (usage). */
export function nodeName(text: string): string {
  if (NODE_NAME.test(text)) return text;
  throw new CliError("Usage", `expected the name of a node, got ${quoted(text)}`);
}

/** A node pool's id as a label may hold it. Throws `CliError` (usage). */
export function poolName(text: string): string {
  if (POOL_NAME.test(text)) return text;
  throw new CliError("Usage", `expected the id of a node pool, got ${quoted(text)}`);
}

/** A zone as a label may hold it. Throws `CliError` (usage). */
export function zoneName(text: string): string {
  if (POOL_NAME.test(text)) return text;
  throw new CliError("Usage", `expected the name of a zone, got ${quoted(text)}`);
}

/** A span such as `2h`, longer than none and at most `most`. Throws `CliError` (usage). */
export function spanOf(flag: string, text: string, most: Millis): Millis {
  const span = parseDuration(text);
  if (span !== undefined && span > 0 && span <= most) return span;
  throw new CliError(
    "Usage",
    `expected ${flag} to be a span of at most ${formatDuration(most)}, such as 2h or 30m, got ${quoted(text)}`,
  );
}

/** A whole number from 1 on. Throws `CliError` (usage). */
export function countOf(flag: string, text: string): number {
  if (/^[1-9]\d{0,5}$/u.test(text)) return Number(text);
  throw new CliError("Usage", `expected ${flag} to be a number from 1 to 999999, got ${quoted(text)}`);
}

/** A reason that the ledger can hold and a line can show. Throws `CliError` (usage). */
export function reasonText(text: string): string {
  const reason = text.trim();
  if (reason !== "" && reason.length <= LONGEST_REASON && !/[\p{Cc}\p{Cf}]/u.test(reason)) return reason;
  throw new CliError(
    "Usage",
    `expected --reason to be one line of 1 to ${LONGEST_REASON} characters, got ${quoted(text)}`,
  );
}

function quoted(text: string): string {
  const json = JSON.stringify(text);
  return json.length > 80 ? `${json.slice(0, 80)}...` : json;
}
