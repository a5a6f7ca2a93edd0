import { execFileSync, spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import type { MetricDefinition } from "@node-agent/shared/contract/metric-definition.ts";
import { METRICS } from "@node-agent/shared/contract/metric-names.ts";
import {
  RECORD_GAUGE_NAMES,
  type RecordCount,
  type RecordGauge,
} from "@node-agent/shared/core/record-gauges.ts";
import { createMetrics } from "@node-agent/shared/runtime/metrics/metrics.ts";

const hasPromtool = spawnSync("promtool", ["--version"]).status === 0;

/** A scrape of a process to which everything happened, with a pool name that nobody would choose. */
async function scrapeOf(role: string, perNodeMetrics: boolean): Promise<string> {
  const metrics = createMetrics({ cluster: "c", role, monitorOnly: false, perNodeMetrics });
  const of = { node: "n", pool: 'po"ol\\\n{}' };
  metrics.observeCheck(of, "GPU", "GPUCountMismatch");
  metrics.observeFlap(of, "GPU");
  metrics.observeNotice(of, "CheckerSkipped");
  metrics.observeEvaluation(of, "Fail");
  metrics.observePhaseChange(of, "Healthy", "Unhealthy");
  metrics.observeRecovery(of, 90_000);
  metrics.observeRecoveryAction(of, "Reboot");
  metrics.observeRecoveryFailure(of, "Reboot");
  metrics.observeReboot(of, "Accepted");
  metrics.observeRebootVerified(of, "Cured");
  metrics.observeRebootBlocked(of, "RateLimit");
  metrics.observeReconcileError("Conflict");
  metrics.observeCloudRequest({ provider: "civo", operation: "HardReboot", result: "Success", took: 120 });
  metrics.observeSnapshotsPublished("Accepted", 3);
  metrics.observeWatchEvent("MODIFIED");
  metrics.observeHeartbeatIgnored();
  metrics.observeWatchEnded("Eof");
  metrics.observeNodeList("Success");
  metrics.observeRedisError("worker");
  metrics.readGaugesFrom({
    nodes: async () => [{ ...of, phase: "WaitingReboot", unhealthyFor: 1500, attempts: 2 }],
    records: async () => RECORD_GAUGE_NAMES.map((gauge) => countOf(gauge)),
    queues: async () => [{ queue: "reboots", state: "delayed", count: 1 }],
    held: async () => [{ gate: "Breaker", heldFor: 1500 }],
    standing: async () => ({ hold: { clock: "an hour ahead" }, unlike: 1 }),
    blind: async () => new Set(["Grace"] as const),
    grants: async () => [{ scope: "zone", endsIn: 1500 }],
    view: async () => 1000,
    watch: async () => ({ nodes: 3, lastByteAt: 1_700_000_000_000 }),
  });
  return metrics.scrape();
}

/** A record that a gauge counts, with a value for each of its labels. */
function countOf(gauge: RecordGauge): RecordCount {
  const definition: MetricDefinition = METRICS[gauge];
  const { labels, values = {} } = definition;
  return {
    gauge,
    labels: Object.fromEntries(labels.map((name) => [name, values[name]?.[0] ?? "p"])),
    count: 3,
  };
}

describe("the metrics", () => {
  test.each(["worker", "watcher"])("of a %s show every metric of that role", async (role) => {
    const text = await scrapeOf(role, false);
    for (const definition of Object.values(METRICS)) {
      const roles: readonly string[] | undefined = "roles" in definition ? definition.roles : undefined;
      const shown = new RegExp(`^${definition.name}(?:_bucket)?\\{`, "mu").test(text);
      expect([definition.name, shown]).toEqual([definition.name, roles?.includes(role) ?? true]);
    }
  });

  test.skipIf(!hasPromtool).each([
    ["worker", false],
    ["worker", true],
    ["watcher", false],
    ["console", false],
  ])(
    "of a %s (per node: %s) are accepted by promtool (skipped where promtool is not installed)",
    async (role, perNode) => {
      const input = await scrapeOf(role, perNode);
      const complaints = execFileSync("promtool", ["check", "metrics"], { input, encoding: "utf8" });
      expect(complaints).toBe("");
    },
  );
});
