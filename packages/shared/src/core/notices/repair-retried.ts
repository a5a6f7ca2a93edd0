import { tell } from "../event-story.ts";
import type { Notice } from "./notice.ts";

/** An operator ordered that the repair of this node is tried again: its attempts count from zero. */
export const repairRetried: Notice = (before, after, now) => {
  if (after.retriedAt === undefined || after.retriedAt === before?.retriedAt) return undefined;
  return tell(after, now, {
    reason: "RepairRetried",
    type: "Normal",
    message:
      "an operator ordered that the repair is tried again: attempts before the order do not count; annotation audit.node-agent.civo.com/retry says who and why",
    of: [after.retriedAt],
  });
};
