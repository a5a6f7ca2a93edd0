import type { TraceStep } from "./trace.ts";

const TICK = "time passes";

/** A counterexample as a numbered list: when, who, what. Ticks are folded into the time. */
export function formatTrace(trace: readonly TraceStep[]): string {
  const lines: string[] = [];
  let time = 0;
  for (const { what, who, whom } of trace) {
    if (what === TICK) {
      time += 1;
      continue;
    }
    const number = String(lines.length + 1).padStart(4);
    lines.push(
      `${number}  t=${String(time).padEnd(3)} ${[workerName(who), vmName(who, whom), what].join("")}`,
    );
  }
  return lines.join("\n");
}

function workerName(who: number): string {
  return who < 0 ? "" : `worker ${String.fromCodePoint(65 + who)} `;
}

function vmName(who: number, whom: number): string {
  if (whom < 0) return "";
  return who < 0 ? `VM ${whom + 1} ` : `(VM ${whom + 1}) `;
}

/** A table with a head, columns as wide as their widest cell; columns of numbers are named in `right`. */
export function formatTable(
  rows: readonly Readonly<Record<string, string>>[],
  right: readonly string[],
): string {
  const columns = Object.keys(rows[0] ?? {});
  const widths = columns.map((column) =>
    Math.max(column.length, ...rows.map((row) => (row[column] ?? "").length)),
  );
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, at) => {
        const width = widths[at] ?? 0;
        return right.includes(columns[at] ?? "") ? cell.padStart(width) : cell.padEnd(width);
      })
      .join("  ")
      .trimEnd();
  const body = rows.map((row) => line(columns.map((column) => row[column] ?? "")));
  return [line(columns), line(widths.map((width) => "-".repeat(width))), ...body].join("\n");
}
