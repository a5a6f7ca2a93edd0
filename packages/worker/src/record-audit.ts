import { DELIVERY } from "@node-agent/shared/contract/drift.ts";
import type { Evaluation } from "@node-agent/shared/core/evaluation.ts";
import type { EpochMillis } from "@node-agent/shared/core/time.ts";
import type { PendingNode } from "@node-agent/shared/ports/evaluation-store.ts";

/**
 * Whether a judgement finds that the record had drifted: it says Healthy for longer than a delivery takes, while its
 * snapshot, which was judged before and still stands, fails. Something else wrote the record (a fresh read before a
 * reboot, a lost race, a forgery); the resync finds it by comparison, and the judgement that notices it repairs it.
 */
export function isDrifted(
  { rewritten, record }: Pick<PendingNode, "rewritten" | "record">,
  verdict: Evaluation["verdict"],
  now: EpochMillis,
): boolean {
  return rewritten && verdict === "Fail" && record?.phase === "Healthy" && now - record.phaseSince > DELIVERY;
}
