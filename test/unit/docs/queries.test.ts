import { describe, expect, test } from "vitest";
import type { MetricDefinition } from "@node-agent/shared/contract/metric-definition.ts";
import { METRICS } from "@node-agent/shared/contract/metric-names.ts";
import { combinationsOf } from "@node-agent/shared/runtime/metrics/zero-starts.ts";
import { documentedQueries, selectorsOf, type Selector } from "../../support/documented-queries.ts";
import { code, expectTable } from "./markdown.ts";

const QUERIES = documentedQueries();
const DEFINITIONS: readonly MetricDefinition[] = Object.values(METRICS);
const SUFFIX = /_(?:bucket|sum|count)$/u;

/** The metric that a selector is about, also by a series of a histogram. */
function metricOf({ metric }: Selector): MetricDefinition | undefined {
  return DEFINITIONS.find(
    ({ name, type }) => name === metric || (type === "histogram" && name === metric.replace(SUFFIX, "")),
  );
}

/** Whether a counter with these labels begins at 0: by itself, or because it is declared to. */
function beginsAtZero(definition: MetricDefinition, { matchers }: Selector): boolean {
  const { labels, values = {} } = definition;
  const [only, ...others] = labels;
  if (only === undefined) return true;
  if (others.length === 0 && values[only] !== undefined) return true;
  const asked = matchers.filter(({ label }) => !["pool", "cluster", "node", "le"].includes(label));
  const wanted = asked.flatMap(({ label, values: some }) => some.map((value) => [label, value] as const));
  const begun = combinationsOf(definition);
  return begun.length > 0 && wanted.every(([label, value]) => begun.some((one) => one[label] === value));
}

test("the documents have queries, and those of the Go agent are none of ours", () => {
  expect(QUERIES.length).toBeGreaterThan(15);
  expect(QUERIES.map(({ query }) => query)).toContain(
    'sum(increase(civo_node_agent_reboots_total{outcome=~"Accepted|Unknown"}[1h]))',
  );
  expect(QUERIES.filter(({ query }) => query.includes('"reboot"'))).toEqual([]);
});

describe.each(QUERIES)("$file: $query", ({ query }) => {
  const selectors = selectorsOf(query);

  test("asks for metrics, labels and values that exist", () => {
    expect(selectors).not.toEqual([]);
    for (const selector of selectors) {
      const definition = metricOf(selector);
      expect(definition, selector.metric).toBeDefined();
      const labels = [...(definition?.labels ?? []), "cluster", "le", "instance", "job"];
      for (const { label, values } of selector.matchers) {
        expect(labels).toContain(label);
        expect(definition?.values?.[label] ?? values).toEqual(expect.arrayContaining([...values]));
      }
    }
  });

  test("counts only what begins at 0, so that the first event counts too", () => {
    for (const selector of selectors.filter(({ counted }) => counted)) {
      const definition = metricOf(selector);
      const begun = definition !== undefined && beginsAtZero(definition, selector);
      expect(begun, `${selector.metric} in ${query}: add what is asked for to startsAtZero`).toBe(true);
    }
  });
});

test("docs/metrics.md tells what begins at 0", () => {
  const rows = DEFINITIONS.flatMap(({ name, startsAtZero = [], startsAtZeroPerNode }) =>
    startsAtZero.map((set) => [
      code(name),
      startsAtZeroPerNode === true ? "pool, sick node" : "pool",
      Object.entries(set)
        .map(([label, values]) => `${code(label)}: ${values.map(code).join(" ")}`)
        .join("; "),
    ]),
  );
  expectTable("docs/metrics.md", "Series that begin at 0", {
    header: ["Metric", "Begins for each", "Values"],
    rows,
  });
});
