import type { Clock } from "@node-agent/shared/ports/clock.ts";
import type { Executor } from "@node-agent/shared/ports/executor.ts";
import type { Metrics } from "@node-agent/shared/runtime/metrics/metrics.ts";

/** Counts and times the calls of an executor; what it returns is untouched. */
export function measuredExecutor(executor: Executor, metrics: Metrics, clock: Clock): Executor {
  const provider = executor.name;
  return {
    name: provider,
    readAhead: async (signal) => executor.readAhead(signal),
    resolve: async (node, signal) => {
      const startedAt = clock.monotonic();
      const resolved = await executor.resolve(node, signal);
      const result = resolved.ok ? "Success" : resolved.failure;
      metrics.observeCloudRequest({
        provider,
        operation: "resolve",
        result,
        took: clock.monotonic() - startedAt,
      });
      return resolved;
    },
    reboot: async (target, signal) => {
      const startedAt = clock.monotonic();
      const receipt = await executor.reboot(target, signal);
      const result = receipt.outcome;
      metrics.observeCloudRequest({
        provider,
        operation: "reboot",
        result,
        took: clock.monotonic() - startedAt,
      });
      return receipt;
    },
  };
}
