import type { Clock } from "@node-agent/shared/ports/clock.ts";
import type { StateStore } from "@node-agent/shared/ports/state-store.ts";
import type { BullJobQueues } from "@node-agent/shared/redis/job-queues.ts";
import type { GaugeSources } from "@node-agent/shared/runtime/metrics/scrape.ts";

/** Gauges are derived from the stores at scrape: nothing is remembered, so nothing can be left behind. */
export function gaugeSources(
  state: Pick<StateStore, "listUnhealthy" | "countByPhase" | "view">,
  queues: Pick<BullJobQueues, "counts">,
  clock: Clock,
): GaugeSources {
  return {
    nodes: async () => {
      const now = clock.now();
      const records = await state.listUnhealthy();
      return records.map(({ name, pool, phase, incident }) => ({
        node: name,
        pool,
        phase,
        ...(incident === undefined
          ? {}
          : { unhealthyFor: Math.max(0, now - incident.startedAt), attempts: incident.attempts }),
      }));
    },
    phases: async () => state.countByPhase(),
    queues: async () => queues.counts(),
    view: async () => (await state.view()).age,
  };
}
