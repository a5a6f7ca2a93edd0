import { isFlapping } from "./flaps.ts";
import type { NodeRecord } from "./record.ts";
import { isVerdictPending } from "./verification.ts";

/**
 * Whether the resync must look at this node again: it is not healthy, the result of its reboot is not known yet, or it
 * flaps and nothing else would show that it has calmed down. What else is a matter of time, `Judged.timed` says.
 */
export function needsAttention(record: NodeRecord): boolean {
  return record.phase !== "Healthy" || isVerdictPending(record) || isFlapping(record);
}
