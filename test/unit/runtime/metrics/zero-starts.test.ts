import { describe, expect, test } from "vitest";
import type { MetricDefinition } from "@node-agent/shared/contract/metric-definition.ts";
import { METRICS } from "@node-agent/shared/contract/metric-names.ts";
import type { RecordCount } from "@node-agent/shared/core/record-gauges.ts";
import { createMetrics, type Metrics } from "@node-agent/shared/runtime/metrics/metrics.ts";
import type { NodeGaugeSample } from "@node-agent/shared/runtime/metrics/scrape.ts";
import { combinationsOf } from "@node-agent/shared/runtime/metrics/zero-starts.ts";

const OPTIONS = { cluster: "c", role: "worker", monitorOnly: false, perNodeMetrics: false };
const DEFINITIONS: readonly MetricDefinition[] = Object.values(METRICS);
const DECLARED = DEFINITIONS.filter(({ startsAtZero }) => startsAtZero !== undefined);

/** Three healthy nodes of a pool, as a scrape counts them. */
function nodesOf(pool: string | undefined): RecordCount {
  return { gauge: "nodes", labels: { pool, phase: "Healthy" }, count: 3 };
}

const count = (some: readonly MetricDefinition[]): number =>
  some.flatMap((one) => combinationsOf(one)).length;

/** The samples of one metric, or of all ours, by their labels. */
async function samples(metrics: Metrics, name = "civo_node_agent_"): Promise<string[]> {
  return (await metrics.scrape()).split("\n").filter((line) => line.startsWith(name));
}

const rebootsOf = async (metrics: Metrics) => samples(metrics, "civo_node_agent_reboots_total");

function zeroOf(labels: string): string {
  return `civo_node_agent_reboots_total{${labels},cluster="c"} 0`;
}

describe("what is declared to start at zero", () => {
  test.each(DECLARED)("names every label of $name but the pool, by values that it may have", (definition) => {
    const { labels, values = {}, startsAtZero = [], type } = definition;
    expect(["counter", "histogram"]).toContain(type);
    expect(labels).toContain("pool");
    for (const set of startsAtZero) {
      expect(Object.keys(set).toSorted()).toEqual(labels.filter((name) => name !== "pool").toSorted());
      for (const [label, some] of Object.entries(set))
        expect(values[label] ?? some).toEqual(expect.arrayContaining([...some]));
    }
  });

  test("are all counters of pools with closed sets of labels, but one that has too many and that nothing asks for", () => {
    const closed = DEFINITIONS.filter(({ type, labels, values = {} }) => {
      const others = labels.filter((name) => name !== "pool");
      return (
        type === "counter" && labels.includes("pool") && others.every((name) => values[name] !== undefined)
      );
    });
    const undeclared = closed.filter(({ startsAtZero }) => startsAtZero === undefined);
    expect(undeclared.map(({ name }) => name)).toEqual(["civo_node_agent_reboots_blocked_total"]);
  });

  test("is bounded: a pool costs fewer than a hundred series, a sick node with perNodeMetrics fewer than twenty", () => {
    expect(count(DECLARED)).toBeLessThan(100);
    const perNode = DECLARED.filter((one) => one.startsAtZeroPerNode === true);
    expect(perNode.every((one) => one.perNode === true)).toBe(true);
    expect(count(perNode)).toBeLessThan(20);
  });
});

describe("the series of a pool", () => {
  const all = ["Accepted", "Unknown", "NotSent", "Rejected", "Simulated"].map((outcome) =>
    zeroOf(`pool="p",outcome="${outcome}"`),
  );

  test("do not begin before it is known", async () => {
    expect(await rebootsOf(createMetrics(OPTIONS))).toEqual([]);
  });

  test("begin at 0 with the first judgement of a node in it", async () => {
    const metrics = createMetrics(OPTIONS);
    metrics.observeEvaluation({ node: "n", pool: "p" }, "Pass");
    expect(await rebootsOf(metrics)).toEqual(all);
  });

  test("begin at 0 at the first scrape, whichever worker judges or repairs its nodes", async () => {
    const metrics = createMetrics(OPTIONS);
    metrics.readGaugesFrom({ records: async () => [nodesOf("p")] });
    expect(await rebootsOf(metrics)).toEqual(all);
  });

  test("begin at 0 for every metric that is declared to, in one scrape", async () => {
    const metrics = createMetrics(OPTIONS);
    metrics.readGaugesFrom({ records: async () => [nodesOf(undefined)] });
    const text = (await samples(metrics)).filter((line) => line.endsWith(" 0"));
    for (const definition of DECLARED) {
      const suffix = definition.type === "histogram" ? "_count" : "";
      for (const combination of combinationsOf(definition)) {
        const given: Record<string, string> = { ...combination, pool: "none", cluster: "c" };
        const names = [...definition.labels, "cluster"];
        const labels = names.map((name) => `${name}="${given[name] ?? ""}"`).join(",");
        const expected = `${definition.name}${suffix}{${labels}} 0`;
        const found = text.some((line) => sorted(line) === sorted(expected));
        expect(found, expected).toBe(true);
      }
    }
  });

  test("that was counted before it was known keeps its count", async () => {
    const metrics = createMetrics(OPTIONS);
    metrics.observeReboot({ node: "n", pool: "p" }, "Accepted");
    metrics.readGaugesFrom({ records: async () => [nodesOf("p")] });
    expect(await rebootsOf(metrics)).toEqual([
      'civo_node_agent_reboots_total{pool="p",outcome="Accepted",cluster="c"} 1',
      ...all.slice(1),
    ]);
  });

  test("are bounded as the label is: later pools share one", async () => {
    const metrics = createMetrics(OPTIONS);
    const counts = Array.from({ length: 5000 }, (_, i) => nodesOf(`p${i}`));
    metrics.readGaugesFrom({ records: async () => counts });
    expect(await rebootsOf(metrics)).toHaveLength(5 * 101);
    expect(await rebootsOf(metrics)).toContain(zeroOf('pool="other",outcome="Accepted"'));
  });
});

describe("with perNodeMetrics the series of a node", () => {
  const perNode = { ...OPTIONS, perNodeMetrics: true };
  const sick: NodeGaugeSample = { node: "n", pool: "p", phase: "Unhealthy" };

  test("begin at 0 when a scrape finds it sick, in every worker", async () => {
    const metrics = createMetrics(perNode);
    metrics.readGaugesFrom({ nodes: async () => [sick] });
    expect(await rebootsOf(metrics)).toContain(zeroOf('node="n",pool="p",outcome="Accepted"'));
    expect(await samples(metrics, "civo_node_agent_reboots_verified_total")).toHaveLength(4);
  });

  test("begin at 0 when its phase changes", async () => {
    const metrics = createMetrics(perNode);
    metrics.observePhaseChange({ node: "n", pool: "p" }, "Healthy", "Unhealthy");
    expect(await rebootsOf(metrics)).toContain(zeroOf('node="n",pool="p",outcome="Accepted"'));
  });

  test("do not begin while it is well: a fleet would cost too many", async () => {
    const metrics = createMetrics(perNode);
    metrics.observeEvaluation({ node: "n", pool: "p" }, "Pass");
    metrics.observeCheck({ node: "n", pool: "p" }, "NodeReady", "KubeletReady");
    metrics.readGaugesFrom({ nodes: async () => [{ ...sick, node: "other", phase: "Healthy" }] });
    expect(await rebootsOf(metrics)).toEqual([]);
  });
});

/** A sample with its labels in the order of their names. */
function sorted(line: string): string {
  return line.replace(/\{(?<labels>.*)\}/u, (_all, labels: string) => labels.split(",").toSorted().join(","));
}
