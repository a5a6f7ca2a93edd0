import { CHECKER_NAMES, type CheckerName } from "./check.ts";
import type { NodeRecord } from "./record.ts";
import type { EpochMillis } from "./time.ts";

/** A checker that judged this node before and skips it now: no repair follows from it until its reason ends. */
export interface SkipAnswer {
  readonly checker: CheckerName;
  readonly reason: string;
  readonly since: EpochMillis;
}

/** The checkers that skip a node which they judged before, in the order of reporting. */
export function skipsOf(record: NodeRecord | undefined): SkipAnswer[] {
  return CHECKER_NAMES.flatMap((checker) => {
    const skip = record?.skipped?.[checker];
    return skip === undefined ? [] : [{ checker, ...skip }];
  });
}
