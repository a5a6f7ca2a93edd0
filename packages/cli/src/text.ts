import type { EpochMillis, Millis } from "@node-agent/shared/core/time.ts";
import { SECOND } from "@node-agent/shared/core/time.ts";
import { formatDuration } from "@node-agent/shared/runtime/config/durations.ts";

/** Names of instants in what we print as JSON: they are written as ISO 8601, since nobody reads epoch milliseconds. */
const INSTANTS: ReadonlySet<string> = new Set([
  "at",
  "since",
  "until",
  "explainedAt",
  "phaseSince",
  "startedAt",
  "intendedAt",
  "waitUntil",
  "notBefore",
  "heartbeatAt",
  "quarantineUntil",
  "createdAt",
  "usableAt",
  "ends",
]);

/** JSON for programs; spans stay milliseconds. */
export function jsonText(value: unknown): string {
  const replaced = JSON.stringify(
    value,
    (key, inner: unknown) =>
      typeof inner === "number" && INSTANTS.has(key) ? new Date(inner).toISOString() : inner,
    2,
  );
  return `${replaced}\n`;
}

/** Rows as columns, two spaces between them; the words of a cluster cannot steer the terminal. */
export function tableText(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [header, ...rows].map((row) => row.map(printable));
  const widths = header.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? "").length)));
  return cells
    .map(
      (row) =>
        `${row
          .map((cell, column) => cell.padEnd(widths[column] ?? 0))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}

/** Label and text per line. */
export function factsText(facts: readonly (readonly [label: string, text: string])[]): string {
  const width = Math.max(...facts.map(([label]) => label.length));
  return facts.map(([label, text]) => `${label.padEnd(width)}  ${printable(text)}\n`).join("");
}

/** Text without control characters and without marks that change the direction of writing. */
export function printable(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "\u{FFFD}");
}

/** An instant, to the second. */
export function instantText(at: EpochMillis): string {
  return new Date(at).toISOString().replace(/\.\d{3}Z$/u, "Z");
}

/** A span, to the second: `1m30s`. */
export function spanText(span: Millis): string {
  return formatDuration(Math.round(span / SECOND) * SECOND);
}

/** An instant and how far it is from now: `2026-11-23T12:00:00Z (in 5m)`. */
export function whenText(at: EpochMillis, now: EpochMillis): string {
  const span = spanText(Math.abs(at - now));
  if (span === "0s") return `${instantText(at)} (now)`;
  return `${instantText(at)} (${at > now ? `in ${span}` : `${span} ago`})`;
}

/** Colours a word for a person. Never the only sign: the word itself says it. */
export interface Palette {
  readonly good: (text: string) => string;
  readonly bad: (text: string) => string;
  readonly faint: (text: string) => string;
}

/** No colours without a terminal, with `--no-color`, or when NO_COLOR is set (no-color.org). */
export function paletteFor(wanted: boolean): Palette {
  const paint =
    (code: number) =>
    (text: string): string =>
      wanted ? `\u{1B}[${code}m${text}\u{1B}[0m` : text;
  return { good: paint(32), bad: paint(31), faint: paint(2) };
}
