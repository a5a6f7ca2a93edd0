import { CHECKER_NAMES, type CheckerName } from "../check.ts";
import { tell } from "../event-story.ts";
import type { Notice } from "./notice.ts";

/** Skips that the failure of another checker explains: the kubelet of a node that is NotReady reports nothing. */
const EXPLAINED: ReadonlySet<string> = new Set(["DiskPressure/DiskPressureUnknown"]);

/** A checker that judged this node before skips it now: its silence is no statement that the node is well. */
export const checkerSkipped: Notice = (before, after, now) => {
  const fresh = CHECKER_NAMES.filter((name) => {
    const skip = after.skipped?.[name];
    if (skip === undefined || EXPLAINED.has(`${name}/${skip.reason}`)) return false;
    return before?.skipped?.[name]?.reason !== skip.reason;
  });
  if (fresh.length === 0) return undefined;
  const named = fresh.map((name) => skipName(name, after.skipped?.[name]?.reason));
  const judges = fresh.length === 1 ? "checker does" : "checkers do";
  return tell(after, now, {
    reason: "CheckerSkipped",
    type: "Normal",
    message: `${named.join(", ")}: the ${judges} not judge this node any more. No repair follows from it until the reason ends; see docs/errors.md`,
    of: named,
  });
};

function skipName(checker: CheckerName, reason: string | undefined): string {
  return `${checker}/${reason ?? ""}`;
}
