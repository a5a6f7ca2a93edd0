import type { NodeHistory } from "./check.ts";
import type { NodeSnapshot } from "./node.ts";
import { historyOf, type NodeRecord } from "./record.ts";
import { marksAfter, type SeenMarks } from "./seen-marks.ts";
import type { EpochMillis } from "./time.ts";
import { overdueWork, type PlannedWorkPolicy } from "./work-on-node.ts";

/** What a snapshot is judged with: the memory of its node, and what is remembered of its marks after this look. */
export function lookOf(
  snapshot: NodeSnapshot,
  record: NodeRecord | undefined,
  policy: { readonly plannedWork: PlannedWorkPolicy },
  now: EpochMillis,
): { readonly history: NodeHistory; readonly marks: SeenMarks | undefined } {
  const known = record?.uid === snapshot.uid ? record.marks : undefined;
  const marks = marksAfter(known, snapshot, policy.plannedWork.maxAge, now);
  const overdue = overdueWork(marks, policy.plannedWork, now);
  const history = historyOf(record, snapshot.uid, now);
  return { history: overdue.length === 0 ? history : { ...history, overdueWork: overdue }, marks };
}
