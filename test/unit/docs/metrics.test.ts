import { describe, expect, test } from "vitest";
import type { MetricDefinition } from "@node-agent/shared/contract/metric-definition.ts";
import { METRICS } from "@node-agent/shared/contract/metric-names.ts";
import { cell, code, expectTable, tableBelow, tablesOf } from "./markdown.ts";

const DOCUMENT = "docs/metrics.md";
const ALL: readonly MetricDefinition[] = Object.values(METRICS);

/** The metrics of the agent that this project started from; bold in the documents. */
const SEED = [
  "civo_node_agent_info",
  "civo_node_agent_health_check_total",
  "civo_node_agent_recovery_actions_total",
  "civo_node_agent_recovery_failures_total",
  "civo_node_agent_reconcile_errors_total",
  "civo_node_agent_node_unhealthy_duration_seconds",
  "civo_node_agent_recovery_phase",
];

function nameCell(name: string): string {
  return SEED.includes(name) ? `**${code(name)}**` : code(name);
}

function cellsOf({ name, type, labels, perNode, roles, help }: MetricDefinition): string[] {
  const shown = [...labels.map(code), ...(perNode === true ? ["(`node`)"] : [])].join(", ");
  return [nameCell(name), type, shown, roles === undefined ? "every process" : roles.join(", "), cell(help)];
}

describe("docs/metrics.md", () => {
  test("tells every metric with its type, labels and meaning, and no other", () => {
    const header = ["Metric", "Type", "Labels", "Reported by", "Meaning"];
    expectTable(DOCUMENT, "Metrics", { header, rows: ALL.map(cellsOf) });
  });

  test("tells the closed set of each label that has one", () => {
    const rows = ALL.flatMap(({ name, values }) =>
      Object.entries(values ?? {}).map(([label, set]) => [code(name), code(label), set.map(code).join(" ")]),
    );
    expectTable(DOCUMENT, "Values of labels", { header: ["Metric", "Label", "Values"], rows });
  });

  test("tells the buckets of each histogram", () => {
    const rows = ALL.flatMap(({ name, buckets }) =>
      buckets === undefined ? [] : [[code(name), buckets.join(" ")]],
    );
    expectTable(DOCUMENT, "Buckets", { header: ["Metric", "Upper bounds in seconds"], rows });
  });

  test("shows every name of the seed agent, marked", () => {
    const cells = tablesOf(DOCUMENT).flatMap(({ rows }) => rows.flat());
    for (const name of SEED) expect(cells, name).toContain(`**\`${name}\`**`);
  });
});

test("README.md repeats metrics as they are", () => {
  const known = new Map(
    ALL.map((metric) => [nameCell(metric.name), cellsOf(metric).filter((_, column) => column !== 3)]),
  );
  const chosen = tableBelow("README.md", "Metrics").rows.map(([name = ""]) => name);
  const rows = chosen.map((name) => known.get(name) ?? [name, "no such metric"]);
  expectTable("README.md", "Metrics", { header: ["Metric", "Type", "Labels", "Meaning"], rows });
  expect(new Set(chosen).size).toBeGreaterThan(5);
});
