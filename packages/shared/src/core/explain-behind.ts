import type { GateAnswer } from "./explain-gates.ts";
import type { BehindLook, ExplainInput } from "./explain-input.ts";
import { MINUTE } from "./time.ts";

/** What the workers judge by is behind the API server, or of a history that it lost. */
export interface BehindAnswer extends BehindLook {
  /** The part of the system that is behind. */
  readonly part: "View";
  readonly why: string;
}

/** What is behind, in words; undefined when nothing is. */
export function behindAnswer({ behind }: ExplainInput): BehindAnswer | undefined {
  return behind === undefined ? undefined : { part: "View", ...behind, why: whyOf(behind) };
}

/**
 * A view that is behind holds the reboot of a sick node as a missing one does: the workers judge something else, and no
 * time can be named before a watcher has looked again.
 */
export function blindBehind(input: ExplainInput): GateAnswer | undefined {
  const behind = behindAnswer(input);
  if (behind === undefined) return undefined;
  const until = input.now + (input.viewProbeInterval ?? MINUTE);
  return {
    gate: "Blind",
    answer: "Holds",
    why: `the watchers' view is behind: ${behind.why}`,
    until,
    ends: false,
  };
}

function whyOf({ stored, server }: BehindLook): string {
  if (stored === undefined) return `they have not stored this node, the API server has its version ${server}`;
  if (server === undefined) return `they stored version ${stored} of this node, the API server has none`;
  const both = `they stored version ${stored} of this node, the API server has version ${server}`;
  return isNewer(stored, server) ? `${both}: its etcd was restored, and they have not noticed yet` : both;
}

/** As KEP-5504 compares resource versions. */
function isNewer(one: string, other: string): boolean {
  return one.length === other.length ? one > other : one.length > other.length;
}
