import type { NodeRecord } from "@node-agent/shared/core/record.ts";
import type { EpochMillis } from "@node-agent/shared/core/time.ts";
import type { RepairPolicy } from "@node-agent/shared/core/policy.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import type { StateStore } from "@node-agent/shared/ports/state-store.ts";
import type { BullJobQueues } from "@node-agent/shared/redis/job-queues.ts";
import type { GaugeSources, NodeGaugeSample } from "@node-agent/shared/runtime/metrics/scrape.ts";
import type { GrantWatch } from "./grant-watch.ts";
import { blindCauses, type Reach } from "./reach.ts";
import type { Standing } from "./standing.ts";

/** Where the gauges of a worker come from. */
export interface GaugeParts {
  readonly state: Pick<StateStore, "listUnhealthy" | "countRecords" | "view">;
  readonly queues: Pick<BullJobQueues, "counts" | "held">;
  readonly clock: Clock;
  readonly reach: Pick<Reach, "lost">;
  readonly standing: Pick<Standing, "hold" | "unlike">;
  readonly grants: Pick<GrantWatch, "sample">;
  readonly policy: RepairPolicy;
}

/** Gauges are derived from the stores at scrape: nothing is remembered, so nothing can be left behind. */
export function gaugeSources({
  state,
  queues,
  clock,
  reach,
  standing,
  grants,
  policy,
}: GaugeParts): GaugeSources {
  return {
    nodes: async () => {
      const now = clock.now();
      const records = await state.listUnhealthy();
      return records.filter((record) => !isFarewell(record)).map((record) => sampleOf(record, now));
    },
    records: async () => state.countRecords(),
    queues: async () => queues.counts(),
    held: async () => {
      const now = clock.now();
      return (await queues.held()).map(({ gate, since }) => ({ gate, heldFor: Math.max(0, now - since) }));
    },
    standing: async () => ({ hold: standing.hold, unlike: standing.unlike.length }),
    grants: async () => grants.sample(),
    view: async () => (await state.view()).age,
    // Redis that does not answer is what is asked for here, not a fault of the scrape.
    blind: async () => blindCauses(await state.view().catch(() => undefined), reach.lost, policy),
  };
}

/** Of a node that is gone only the wait of its reboot is kept for a while: that is no node that somebody can look at. */
function isFarewell({ phase, lastReboot }: NodeRecord): boolean {
  return phase === "Unknown" && lastReboot !== undefined;
}

function sampleOf({ name, pool, phase, incident }: NodeRecord, now: EpochMillis): NodeGaugeSample {
  const sample = { node: name, pool, phase };
  if (incident === undefined) return sample;
  return { ...sample, unhealthyFor: Math.max(0, now - incident.startedAt), attempts: incident.attempts };
}
