import { describe, expect, test } from "vitest";
import type { MetricDefinition } from "@node-agent/shared/contract/metric-definition.ts";
import { METRICS } from "@node-agent/shared/contract/metric-names.ts";
import { MINUTE, SECOND } from "@node-agent/shared/core/time.ts";
import { createMetrics, type MetricsOptions } from "@node-agent/shared/runtime/metrics/metrics.ts";
import type { NodeGaugeSample } from "@node-agent/shared/runtime/metrics/scrape.ts";

const options: MetricsOptions = { cluster: "c", role: "worker", monitorOnly: true, perNodeMetrics: false };
const node = { node: "n1", pool: "gpu" };

/** The samples of a scrape whose names begin with ours. */
async function ours(metrics: { scrape(): Promise<string> }, name = "civo_node_agent_"): Promise<string[]> {
  return (await metrics.scrape()).split("\n").filter((line) => line.startsWith(name));
}

describe("the metrics", () => {
  test("keep the seed's seven names", () => {
    const names = Object.values(METRICS).map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining([
        "civo_node_agent_info",
        "civo_node_agent_health_check_total",
        "civo_node_agent_recovery_actions_total",
        "civo_node_agent_recovery_failures_total",
        "civo_node_agent_reconcile_errors_total",
        "civo_node_agent_node_unhealthy_duration_seconds",
        "civo_node_agent_recovery_phase",
      ]),
    );
    expect(new Set(names).size).toBe(names.length);
  });

  test("close only sets of labels that they have", () => {
    for (const definition of Object.values<MetricDefinition>(METRICS))
      for (const label of Object.keys(definition.values ?? {})) expect(definition.labels).toContain(label);
  });

  test("count events with cluster and pool, and the mode they happened in", async () => {
    const metrics = createMetrics(options);
    metrics.observeCheck(node, "GPU", "GPUCountMismatch");
    metrics.observeRecoveryAction(node, "Reboot");
    const samples = await ours(metrics);
    expect(samples).toContain(
      'civo_node_agent_health_check_total{pool="gpu",checker="GPU",result="GPUCountMismatch",cluster="c"} 1',
    );
    expect(samples).toContain(
      'civo_node_agent_recovery_actions_total{pool="gpu",action="Reboot",mode="monitor",cluster="c"} 1',
    );
  });

  test("name the mode active when reboots are real", async () => {
    const metrics = createMetrics({ ...options, monitorOnly: false });
    metrics.observeRecoveryAction(node, "Reboot");
    expect(await ours(metrics, "civo_node_agent_recovery_actions_total")).toEqual([
      'civo_node_agent_recovery_actions_total{pool="gpu",action="Reboot",mode="monitor",cluster="c"} 0',
      'civo_node_agent_recovery_actions_total{pool="gpu",action="Reboot",mode="active",cluster="c"} 1',
    ]);
    expect(await ours(metrics, "civo_node_agent_monitor_only")).toEqual([
      'civo_node_agent_monitor_only{cluster="c"} 0',
    ]);
  });

  test("carry a node label on counters only when that is asked for", async () => {
    const metrics = createMetrics({ ...options, perNodeMetrics: true });
    metrics.observeRecoveryFailure(node, "Reboot");
    expect(await ours(metrics, "civo_node_agent_recovery_failures_total")).toEqual([
      'civo_node_agent_recovery_failures_total{node="n1",pool="gpu",action="Reboot",cluster="c"} 1',
    ]);
  });

  test("show no more than a hundred pools, then other", async () => {
    const metrics = createMetrics(options);
    for (let index = 0; index < 10_000; index += 1)
      metrics.observeEvaluation({ node: "n", pool: `pool-${index}` }, "Pass");
    const samples = await ours(metrics, "civo_node_agent_evaluations_total");
    expect(samples.filter((line) => line.includes('verdict="Pass"'))).toHaveLength(101);
    expect(samples).toContain(
      'civo_node_agent_evaluations_total{pool="other",verdict="Pass",cluster="c"} 9900',
    );
  });

  test("add the nodes of pools beyond the cap up", async () => {
    const metrics = createMetrics(options);
    metrics.readGaugesFrom({
      records: async () =>
        Array.from({ length: 150 }, (_, index) => ({
          gauge: "nodes" as const,
          labels: { pool: `p${index}`, phase: "Healthy" },
          count: 2,
        })),
    });
    expect(await ours(metrics, 'civo_node_agent_nodes{pool="other"')).toEqual([
      'civo_node_agent_nodes{pool="other",phase="Healthy",cluster="c"} 100',
    ]);
    expect(await ours(metrics, 'civo_node_agent_nodes{pool="other"')).toHaveLength(1);
  });

  test("report a value outside of a closed set as other", async () => {
    const metrics = createMetrics({ ...options, role: "watcher" });
    metrics.observeWatchEvent("EVIL\nname");
    expect(await ours(metrics, 'civo_node_agent_watch_events_total{kind="other"')).toHaveLength(1);
  });

  test("of a role are not reported by another", async () => {
    const worker = await createMetrics(options).scrape();
    const watcher = await createMetrics({ ...options, role: "watcher" }).scrape();
    expect(worker).not.toContain("civo_node_agent_watch_events_total");
    expect(watcher).toContain("civo_node_agent_watch_events_total");
    expect(watcher).not.toContain("civo_node_agent_reboots_total");
  });

  test("of two processes in one program do not mix", async () => {
    const one = createMetrics(options);
    const two = createMetrics(options);
    one.observeReconcileError("Redis");
    expect(await ours(two, 'civo_node_agent_reconcile_errors_total{reason="Redis"')).toEqual([
      'civo_node_agent_reconcile_errors_total{reason="Redis",cluster="c"} 0',
    ]);
  });
});

describe("the gauges of nodes", () => {
  const names = /^civo_node_agent_(?:recovery_phase|node_unhealthy_duration_seconds|node_reboot_attempts)\{/u;

  test("show a sick node, and none is left after a hundred incidents", async () => {
    const metrics = createMetrics(options);
    let sick: NodeGaugeSample[] = [];
    metrics.readGaugesFrom({ nodes: async () => sick });
    for (let incident = 0; incident < 100; incident += 1) {
      sick = [{ node: `n${incident}`, pool: "p", phase: "Unhealthy", unhealthyFor: 5 * MINUTE, attempts: 1 }];
      const samples = (await ours(metrics)).filter((line) => names.test(line));
      expect(samples).toEqual([
        `civo_node_agent_node_unhealthy_duration_seconds{node="n${incident}",pool="p",cluster="c"} 300`,
        `civo_node_agent_recovery_phase{node="n${incident}",pool="p",phase="Unhealthy",cluster="c"} 1`,
        `civo_node_agent_node_reboot_attempts{node="n${incident}",pool="p",cluster="c"} 1`,
      ]);
    }
    sick = [];
    expect((await ours(metrics)).filter((line) => names.test(line))).toEqual([]);
  });

  test("leave Healthy nodes out even when they are given", async () => {
    const metrics = createMetrics(options);
    metrics.readGaugesFrom({ nodes: async () => [{ node: "n", pool: "p", phase: "Healthy" }] });
    expect((await ours(metrics)).filter((line) => names.test(line))).toEqual([]);
  });

  test("show one phase per node", async () => {
    const metrics = createMetrics(options);
    let phase: NodeGaugeSample["phase"] = "Unhealthy";
    metrics.readGaugesFrom({ nodes: async () => [{ node: "n", pool: "p", phase }] });
    await metrics.scrape();
    phase = "WaitingReboot";
    expect(await ours(metrics, "civo_node_agent_recovery_phase")).toEqual([
      'civo_node_agent_recovery_phase{node="n",pool="p",phase="WaitingReboot",cluster="c"} 1',
    ]);
  });
});

describe("a scrape", () => {
  test("whose source fails answers with the rest, counts it, and shows nothing stale", async () => {
    const told: string[] = [];
    const metrics = createMetrics({ ...options, onScrapeError: (source) => void told.push(source) });
    let broken = false;
    metrics.readGaugesFrom({
      nodes: async () => {
        if (broken) throw new Error("Redis is away");
        return [{ node: "n", pool: "p", phase: "Failed" }];
      },
      view: async () => 2 * SECOND,
    });
    expect(await ours(metrics, "civo_node_agent_recovery_phase")).toHaveLength(1);
    broken = true;
    const samples = await ours(metrics);
    expect(samples.filter((line) => line.startsWith("civo_node_agent_recovery_phase"))).toEqual([]);
    expect(samples).toContain('civo_node_agent_view_age_seconds{cluster="c"} 2');
    expect(samples).toContain('civo_node_agent_scrape_errors_total{source="nodes",cluster="c"} 1');
    expect(told).toEqual(["nodes"]);
  });

  test("of a cluster that nobody watches shows no age, not age zero", async () => {
    const metrics = createMetrics(options);
    expect(await ours(metrics, "civo_node_agent_view_age_seconds")).toEqual([]);
    metrics.readGaugesFrom({ view: () => Promise.resolve(undefined) });
    expect(await ours(metrics, "civo_node_agent_view_age_seconds")).toEqual([]);
  });

  test("shows the grants in force by what they cover, and 0 where there is none", async () => {
    const metrics = createMetrics(options);
    const samples = [
      { scope: "zone", endsIn: MINUTE },
      { scope: "zone", endsIn: 2 * MINUTE },
      { scope: "fleet", endsIn: SECOND },
    ] as const;
    metrics.readGaugesFrom({ grants: async () => samples });
    expect(await ours(metrics, "civo_node_agent_grant")).toEqual([
      'civo_node_agent_grants{scope="fleet",cluster="c"} 1',
      'civo_node_agent_grants{scope="zone",cluster="c"} 2',
      'civo_node_agent_grants{scope="pool",cluster="c"} 0',
      'civo_node_agent_grants{scope="checker",cluster="c"} 0',
      'civo_node_agent_grants{scope="several",cluster="c"} 0',
      'civo_node_agent_grant_remaining_seconds{scope="fleet",cluster="c"} 1',
      'civo_node_agent_grant_remaining_seconds{scope="zone",cluster="c"} 120',
    ]);
  });

  test("of a worker that does not know the grants shows none of their series", async () => {
    const metrics = createMetrics(options);
    expect(await ours(metrics, "civo_node_agent_grant")).toEqual([]);
    let known: [] | undefined = [];
    metrics.readGaugesFrom({ grants: async () => known });
    expect(await ours(metrics, "civo_node_agent_grant")).toHaveLength(5);
    known = undefined;
    expect(await ours(metrics, "civo_node_agent_grant")).toEqual([]);
  });

  test("that meets another shares its answer", async () => {
    const metrics = createMetrics(options);
    let reads = 0;
    metrics.readGaugesFrom({
      records: async () => {
        reads += 1;
        return [{ gauge: "nodes", labels: { pool: "p", phase: "Healthy" }, count: 3 }];
      },
    });
    const [one, two] = await Promise.all([metrics.scrape(), metrics.scrape()]);
    expect(one).toBe(two);
    expect(reads).toBe(1);
    expect(one).toContain('civo_node_agent_nodes{pool="p",phase="Healthy",cluster="c"} 3');
    expect(await metrics.scrape()).toContain('civo_node_agent_nodes{pool="p",phase="Healthy",cluster="c"} 3');
  });
});
