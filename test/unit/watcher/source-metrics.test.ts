import { KubernetesApiError } from "@node-agent/kubernetes";
import { expect, test } from "vitest";
import { RedisError } from "../../../packages/shared/src/redis/redis-error.ts";
import { createLogger } from "../../../packages/shared/src/runtime/logger.ts";
import { createMetrics } from "../../../packages/shared/src/runtime/metrics/metrics.ts";
import { observeSourceEvent } from "../../../packages/watcher/src/source-metrics.ts";

test.each([
  ["Redis", new RedisError("away")],
  ["Kubernetes", new KubernetesApiError("Unavailable", "503")],
  ["Handler", new TypeError("a fault of ours")],
])("a change that could not be published is counted against what failed (%s)", async (reason, error) => {
  const metrics = createMetrics({ cluster: "c", role: "watcher", monitorOnly: true, perNodeMetrics: false });
  const logger = createLogger({ role: "watcher", cluster: "c", level: "fatal" });
  observeSourceEvent({ type: "HandlerFailed", handler: "changed", error }, metrics, logger);
  const counted = (await metrics.scrape()).split("\n").filter((line) => line.endsWith(" 1"));
  expect(counted).toContain(`civo_node_agent_reconcile_errors_total{reason="${reason}",cluster="c"} 1`);
});
