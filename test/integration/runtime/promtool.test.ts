import { execFileSync, spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { METRICS } from "@node-agent/shared/contract/metric-names.ts";
import { createMetrics } from "@node-agent/shared/runtime/metrics/metrics.ts";

const hasPromtool = spawnSync("promtool", ["--version"]).status === 0;

/** A scrape of a process to which everything happened, with a pool name that nobody would choose. */
async function scrapeOf(role: string, perNodeMetrics: boolean): Promise<string> {
  const metrics = createMetrics({ cluster: "c", role, monitorOnly: false, perNodeMetrics });
  const of = { node: "n", pool: 'po"ol\\\n{}' };
  metrics.observeCheck(of, "GPU", "GPUCountMismatch");
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
    records: async () => [
      { gauge: "nodes", labels: { pool: "p", phase: "Healthy" }, count: 3 },
      { gauge: "judgedNodes", labels: { checker: "GPU" }, count: 2 },
      { gauge: "skippedNodes", labels: { pool: "p", checker: "GPU", result: "DriverUpgrade" }, count: 1 },
      {
        gauge: "plannedWorkNodes",
        labels: { pool: "p", mark: "nvidia.com/mig.config.state", state: "held" },
        count: 1,
      },
      {
        gauge: "foreignHoldNodes",
        labels: { pool: "p", mark: "spec.unschedulable", state: "stale" },
        count: 1,
      },
    ],
    queues: async () => [{ queue: "reboots", state: "delayed", count: 1 }],
    held: async () => [{ gate: "Storm", heldFor: 1500 }],
    blind: async () => new Set(["Grace"] as const),
    view: async () => 1000,
    watch: async () => ({ nodes: 3, lastByteAt: 1_700_000_000_000 }),
  });
  return metrics.scrape();
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
