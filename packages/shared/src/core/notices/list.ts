import type { ClusterEvent } from "../cluster-event.ts";
import type { NodeRecord } from "../record.ts";
import type { EpochMillis } from "../time.ts";
import { checkerSkipped } from "./checker-skipped.ts";
import { nodeFlapping } from "./node-flapping.ts";
import { nodeRelapsed } from "./node-relapsed.ts";
import { foreignHoldStale } from "./foreign-hold-stale.ts";
import { gpusAccepted } from "./gpus-accepted.ts";
import type { Notice } from "./notice.ts";
import { repairRetried } from "./repair-retried.ts";
import { plannedWorkStuck } from "./planned-work-stuck.ts";

/** Every notice; adding one is a file, a line here and its reason in `NOTICE_REASONS`. */
const NOTICES: readonly Notice[] = [
  checkerSkipped,
  nodeFlapping,
  nodeRelapsed,
  gpusAccepted,
  repairRetried,
  plannedWorkStuck,
  foreignHoldStale,
];

/** What a committed judgement brings to the attention of operators: one Event, log line and count each. */
export function noticesOf(
  before: NodeRecord | undefined,
  after: NodeRecord | undefined,
  now: EpochMillis,
): ClusterEvent[] {
  if (after === undefined) return [];
  const known = before?.uid === after.uid ? before : undefined;
  return NOTICES.flatMap((notice) => notice(known, after, now) ?? []);
}
