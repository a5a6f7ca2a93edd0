import type { ClusterEvent } from "@node-agent/shared/core/cluster-event.ts";
import {
  callFailedEvent,
  endEvent,
  heldEvent,
  requestedEvent,
  verifiedEvent,
} from "@node-agent/shared/core/event-story.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import type { EventOutbox } from "./event-outbox.ts";
import type { Journal } from "./journal.ts";

/** A journal that tells the people of the cluster too: what it is told goes to `inner` first, then out as an event. */
export function createEventJournal(
  inner: Journal,
  { outbox, clock }: { readonly outbox: Pick<EventOutbox, "offer">; readonly clock: Clock },
): Journal {
  /** An event is only told: whatever goes wrong in making one must not reach the reboot it is about. */
  const tell = (node: string, eventOf: () => ClusterEvent | undefined): void => {
    try {
      const event = eventOf();
      if (event !== undefined) outbox.offer(event);
    } catch (error) {
      inner.fault("Unexpected", `event: ${error instanceof Error ? error.message : "unknown error"}`, node);
    }
  };
  return {
    judged: (change) => {
      inner.judged(change);
      tell(change.node, () => endEvent(change.before, change.after, clock.now()));
    },
    held: (node, step, record, change) => {
      inner.held(node, step, record, change);
      if (record !== undefined) tell(node, () => heldEvent(record, step, change, clock.now()));
    },
    requested: (record, target) => {
      inner.requested(record, target);
      tell(record.name, () => requestedEvent(record, target.instanceId, clock.now()));
    },
    answered: (record, receipt) => {
      inner.answered(record, receipt);
      tell(record.name, () => callFailedEvent(record, receipt, clock.now()));
    },
    verified: (record, verification) => {
      inner.verified(record, verification);
      tell(record.name, () => verifiedEvent(record, verification, clock.now()));
    },
    fault: (reason, detail, node) => inner.fault(reason, detail, node),
  };
}
