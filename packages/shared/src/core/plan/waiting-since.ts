import type { NodeRecord } from "../record.ts";
import type { EpochMillis } from "../time.ts";

/** Since when this node has waited for its next repair: its incident began, or its latest wait ended. */
export function waitingSince({ incident, lastReboot, phaseSince }: NodeRecord): EpochMillis {
  return Math.max(incident?.startedAt ?? phaseSince, lastReboot?.waitUntil ?? 0);
}
