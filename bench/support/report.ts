import { cpus } from "node:os";

/** The value below which a share `p` (0 to 1) of the samples lies; nearest rank, so always one of them. */
export function quantile(samples: readonly number[], p: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(p * sorted.length) - 1))] ?? Number.NaN;
}

/** `median (least-most)` with a unit. */
export function spread(samples: readonly number[], show: (value: number) => string): string {
  const [least, middle, most] = [0, 0.5, 1].map((p) => show(quantile(samples, p)));
  return `${middle} (${least}-${most})`;
}

/** A duration in milliseconds, with as many digits as mean something. */
export function ms(value: number): string {
  const digits = value < 1 ? 2 : value < 10 ? 1 : 0;
  return `${value.toFixed(digits)} ms`;
}

/** A rate, in thousands when it is large. */
export function perSecond(value: number): string {
  return value >= 1000 ? `${(value / 1000).toFixed(1)} k/s` : `${value.toFixed(0)}/s`;
}

/** A table in Markdown, so that a run can be pasted into the README. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((_, column) =>
    Math.max(...[head, ...rows].map((row) => (row[column] ?? "").length)),
  );
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`;
  return [line(head), `|${widths.map((width) => "-".repeat(width + 2)).join("|")}|`, ...rows.map(line)].join(
    "\n",
  );
}

/** What a figure belongs to: figures of two machines are not compared, ratios of one run are. */
export function machine(): string {
  return `${cpus().length} cores (${cpus()[0]?.model.trim() ?? "unknown"}), Node ${process.version}, ${process.platform}`;
}

/** Tells what is going on while a run lasts. */
export function progress(text: string): void {
  process.stderr.write(`  ${text}\n`);
}
