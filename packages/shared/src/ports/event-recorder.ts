import type { ClusterEvent } from "../core/cluster-event.ts";
import type { Millis } from "../core/time.ts";

/**
 * What became of an event. `Known`: it stands there already, so somebody told it first. `Forbidden`: we may not tell
 * anything. `Refused`: not this one. `Failed`: nobody could be told; `retryAfter` is how long to stay away.
 */
export type EventRecording =
  | { readonly outcome: "Created" }
  | { readonly outcome: "Known" }
  | { readonly outcome: "Forbidden"; readonly why: string }
  | { readonly outcome: "Refused"; readonly why: string }
  | { readonly outcome: "Failed"; readonly why: string; readonly retryAfter?: Millis };

/** Where the people of a cluster look for what happens to a node. */
export interface EventRecorder {
  /** Tells one event, once however often it is called; has a deadline of its own. Never throws. */
  record(event: ClusterEvent, signal: AbortSignal): Promise<EventRecording>;
}
