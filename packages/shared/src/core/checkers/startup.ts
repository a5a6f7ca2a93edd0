import type { NodeHistory } from "../check.ts";
import type { NodeSnapshot } from "../node.ts";
import type { Millis } from "../time.ts";

/**
 * The node was created less than `grace` ago and may still be coming up. A creation time in the future (another
 * clock, or forged) does not stretch the grace: nothing is created after we first saw it.
 */
export function isYoung(node: NodeSnapshot, history: NodeHistory, grace: Millis): boolean {
  const bornAt = Math.min(node.createdAt ?? history.firstSeenAt, history.firstSeenAt);
  return history.at < bornAt + grace;
}
