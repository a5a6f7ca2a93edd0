import type { ClusterEvent } from "../core/cluster-event.ts";
import type { EventRecorder, EventRecording } from "../ports/event-recorder.ts";

/** The events of a cluster in memory: each is kept once, and the answers are as a test says. */
export class MemoryEventRecorder implements EventRecorder {
  /** What stands in the cluster, by identity. */
  readonly events = new Map<string, ClusterEvent>();
  /** How often somebody tried to tell something. */
  calls = 0;
  /** Answers instead of the cluster while it is set. */
  answer: ((event: ClusterEvent, signal: AbortSignal) => Promise<EventRecording>) | undefined;

  record = async (event: ClusterEvent, signal: AbortSignal): Promise<EventRecording> => {
    this.calls += 1;
    if (this.answer !== undefined) return this.answer(event, signal);
    if (this.events.has(event.identity)) return { outcome: "Known" };
    this.events.set(event.identity, event);
    return { outcome: "Created" };
  };

  /** `reason: message` of everything that was told, in order. */
  get told(): string[] {
    return [...this.events.values()].map(({ reason, message }) => `${reason}: ${message}`);
  }
}
