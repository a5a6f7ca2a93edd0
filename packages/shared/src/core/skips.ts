import { CHECKER_NAMES, type CheckerName } from "./check.ts";
import type { Judgement } from "./evaluation.ts";
import { withField, type NodeRecord, type SkippedCheck } from "./record.ts";
import type { EpochMillis } from "./time.ts";

/**
 * The record with what its checkers have judged so far, and which of those skip the node now. The same judgement again
 * yields the same bytes.
 */
export function withSkips(
  record: NodeRecord,
  judgements: readonly Judgement[],
  now: EpochMillis,
): NodeRecord {
  const verdicts = new Map(judgements.map((judgement) => [judgement.checker, judgement]));
  const known = record.judgedBy ?? [];
  const judgedBy = CHECKER_NAMES.filter(
    (name) => known.includes(name) || (verdicts.get(name)?.verdict ?? "Skip") !== "Skip",
  );
  const skipped = judgedBy.flatMap((name): [CheckerName, SkippedCheck][] => {
    const judgement = verdicts.get(name);
    // A checker that was disabled says nothing, so there is nothing to tell about it.
    if (judgement === undefined || judgement.verdict !== "Skip") return [];
    const before = record.skipped?.[name];
    if (before?.reason === judgement.reason) return [[name, before]];
    return [[name, { since: now, reason: judgement.reason }]];
  });
  const next: NodeRecord = judgedBy.length === 0 ? record : { ...record, judgedBy };
  return withField(next, "skipped", skipped.length === 0 ? undefined : Object.fromEntries(skipped));
}
