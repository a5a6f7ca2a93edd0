import { tell } from "../event-story.ts";
import type { Notice } from "./notice.ts";

/** An operator accepted another number of GPUs for this node, or ended that: what is expected of it changed by an order. */
export const gpusAccepted: Notice = (before, after, now) => {
  const accepted = after.gpu?.accepted;
  const known = before?.gpu?.accepted;
  if (accepted === known) return undefined;
  const message =
    accepted === undefined
      ? `the accepted number of ${known} GPUs no longer applies: the node is held to what it had before`
      : `an operator accepted ${accepted} GPUs as the expected number; annotation audit.node-agent.civo.com/accepted-gpus says who and why`;
  return tell(after, now, {
    reason: "GPUsAccepted",
    type: "Normal",
    message,
    of: [accepted ?? "none", known ?? "none"],
  });
};
