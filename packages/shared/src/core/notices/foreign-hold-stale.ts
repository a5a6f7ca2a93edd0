import { tell } from "../event-story.ts";
import { CORDON_MARK, FOREIGN_MARKS, setAt } from "../foreign-marks.ts";
import { instantText } from "../time-text.ts";
import type { Notice } from "./notice.ts";

/** A mark of another owner has held the repair of a failing node for long: it stays a hold, and its owner is asked. */
export const foreignHoldStale: Notice = (before, after, now) => {
  const mark = FOREIGN_MARKS.find(
    ({ key }) => after.marks?.[key]?.told === true && before?.marks?.[key]?.told !== true,
  );
  const seen = mark === undefined ? undefined : after.marks?.[mark.key];
  if (mark === undefined || seen === undefined) return undefined;
  const owner = mark.key === CORDON_MARK && seen.value !== "" ? seen.value : mark.owner;
  const since = instantText(setAt(mark, seen.value, now) ?? seen.since);
  return tell(after, now, {
    reason: "ForeignHoldStale",
    type: "Warning",
    message: `${mark.key} (${mark.does}) has held the repair since ${since}, longer than foreignOwner.staleAfter. Ask ${owner}, or take the mark off`,
    of: [after.incident?.id, mark.key],
  });
};
