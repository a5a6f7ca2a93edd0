import { tell } from "../event-story.ts";
import { isWork, PLANNED_WORK_MARKS, workState } from "../planned-work.ts";
import { instantText } from "../time-text.ts";
import { workText } from "../work-on-node.ts";
import type { Notice } from "./notice.ts";

/** Planned work of another controller is in progress for too long: it holds repairs no more, and its owner is asked. */
export const plannedWorkStuck: Notice = (before, after, now) => {
  const stuck = PLANNED_WORK_MARKS.flatMap((mark) => {
    const seen = after.marks?.[mark.key];
    if (seen?.told !== true || before?.marks?.[mark.key]?.told === true) return [];
    const state = workState(mark, seen.value);
    return isWork(state) ? [{ mark, state, ...seen }] : [];
  });
  if (stuck.length === 0) return undefined;
  const texts = stuck.map((one) => `${workText(one)} since ${instantText(one.since)}`);
  const owners = [...new Set(stuck.map(({ mark }) => mark.owner))].join(" and ");
  return tell(after, now, {
    reason: "PlannedWorkStuck",
    type: "Warning",
    message: `${texts.join("; ")}, longer than plannedWork.maxAge: it is stuck and holds repairs no more. Ask ${owners}`,
    of: stuck.flatMap(({ mark, since }) => [mark.key, since]),
  });
};
