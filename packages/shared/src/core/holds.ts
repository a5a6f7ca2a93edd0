import { foreignHold, type HoldPolicy } from "./foreign-hold.ts";
import { FOREIGN_MARKS } from "./foreign-marks.ts";
import type { NodeSnapshot } from "./node.ts";
import type { NodeRecord } from "./record.ts";
import type { SeenMark } from "./seen-marks.ts";
import type { EpochMillis } from "./time.ts";

/**
 * The record with the mark that holds the repair of a failing node, and whether it has held it for too long, which is told
 * once. A mark on a node that is well holds nothing, however old it is.
 */
export function withHolds(
  record: NodeRecord,
  snapshot: NodeSnapshot,
  policy: HoldPolicy,
  now: EpochMillis,
): NodeRecord {
  const { marks } = record;
  if (marks === undefined) return record;
  const hold = record.incident === undefined ? undefined : foreignHold(snapshot, marks, policy, now);
  const entries = Object.entries(marks).map(([key, mark]): [string, SeenMark] => {
    if (!FOREIGN_MARKS.some((one) => one.key === key)) return [key, mark];
    const { value, since } = mark;
    if (hold?.mark.key !== key) return [key, { value, since }];
    return [key, { value, since, holds: true, ...(hold.stale ? { told: true } : {}) }];
  });
  return { ...record, marks: Object.fromEntries(entries) };
}
