import type { GateName } from "@node-agent/shared/core/gates/gate.ts";
import type { PendingReboot } from "@node-agent/shared/core/explain-input.ts";
import type { EpochMillis, Millis } from "@node-agent/shared/core/time.ts";
import type { ExplainedNode } from "@node-agent/shared/runtime/explain-node.ts";

/**
 * What an explanation says of a node that is sick and past its threshold.
 *
 *   Blocked      one gate holds, and it is one that can hold in this world
 *   Acting       nothing holds, and its pending reboot runs, or is about to
 *   Unjudged     no worker has judged it since Redis lost its record: told as it is, and to be over soon
 *   Unreadable   a part of the world was away
 *   Unexplained  none of these: nothing holds and nobody acts, or a gate is named that cannot be the reason
 */
export type Word =
  | { readonly kind: "Blocked"; readonly gate: GateName }
  | { readonly kind: "Acting" | "Unjudged" }
  | { readonly kind: "Unreadable" | "Unexplained"; readonly why: string };

/**
 * Nobody pauses, opts out, cordons or changes the mode here, attempts are plenty and storm guards silent: whoever names
 * such a gate is wrong.
 */
const POSSIBLE: ReadonlySet<GateName> = new Set([
  "Blind",
  "WaitWindow",
  "Threshold",
  "Ledger",
  "CureRate",
  "Limit",
  "NodeUnreadable",
  "Identity",
  "Cloud",
  "RateLimit",
  "Deadline",
]);

/** Judges an explanation of such a node; `soon` is how far off the next look of a pending reboot may be. */
export function wordOn({ explanation, unread }: ExplainedNode, soon: Millis): Word {
  const { gates, blocker, job, explainedAt, phaseSince } = explanation;
  const [missing] = unread;
  if (missing !== undefined) return { kind: "Unreadable", why: missing };
  const first = gates.find(({ answer }) => answer === "Holds");
  if (blocker !== first) return { kind: "Unexplained", why: "its blocker is not the first gate that holds" };
  if (blocker === undefined) return actionOf(job, explainedAt + soon);
  const { gate, why } = blocker;
  if (gate === "NothingFailing" && phaseSince === undefined) return { kind: "Unjudged" };
  if (POSSIBLE.has(gate)) return { kind: "Blocked", gate };
  return { kind: "Unexplained", why: `${gate} is no reason here: ${why}` };
}

function actionOf(job: PendingReboot | undefined, latest: EpochMillis): Word {
  if (job === undefined) return { kind: "Unexplained", why: "nothing holds, and no reboot is pending" };
  const { state, at } = job;
  const runs = state === "active" || state === "waiting" || state === "prioritized";
  if (runs || (at !== undefined && at <= latest)) return { kind: "Acting" };
  return { kind: "Unexplained", why: `nothing holds, and its pending reboot is ${state} until ${at ?? "?"}` };
}
