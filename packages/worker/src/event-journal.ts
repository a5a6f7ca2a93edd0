import { hostname } from "node:os";
import { createEventRecorder, type KubernetesConnection } from "@node-agent/kubernetes";
import type { ClusterEvent } from "@node-agent/shared/core/cluster-event.ts";
import {
  callFailedEvent,
  endEvent,
  heldEvent,
  requestedEvent,
  verifiedEvent,
} from "@node-agent/shared/core/event-story.ts";
import { noticesOf } from "@node-agent/shared/core/notices/list.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import type { Component } from "@node-agent/shared/runtime/lifecycle.ts";
import { secretsOf, type RoleParts } from "@node-agent/shared/runtime/role.ts";
import { EventOutbox } from "./event-outbox.ts";
import type { Journal } from "./journal.ts";

type Told = ClusterEvent | readonly ClusterEvent[] | undefined;

/** A journal that tells the people of the cluster too: what it is told goes to `inner` first, then out as an event. */
export function createEventJournal(
  inner: Journal,
  { outbox, clock }: { readonly outbox: Pick<EventOutbox, "offer">; readonly clock: Clock },
): Journal {
  /** An event is only told: whatever goes wrong in making one must not reach the reboot it is about. */
  const tell = (node: string, ...eventsOf: readonly (() => Told)[]): void => {
    try {
      for (const event of eventsOf.flatMap((eventOf) => eventOf() ?? [])) outbox.offer(event);
    } catch (error) {
      inner.fault("Unexpected", `event: ${error instanceof Error ? error.message : "unknown error"}`, node);
    }
  };
  return {
    judged: (change) => {
      inner.judged(change);
      const { node, before, after } = change;
      tell(
        node,
        () => endEvent(before, after, clock.now()),
        () => noticesOf(before, after, clock.now()),
      );
    },
    held: (node, step, record, change) => {
      inner.held(node, step, record, change);
      if (record !== undefined) tell(node, () => heldEvent(record, step, change, clock.now()));
    },
    requested: (record, target, grant) => {
      inner.requested(record, target, grant);
      tell(record.name, () => requestedEvent(record, target.instanceId, clock.now(), grant));
    },
    answered: (record, receipt) => {
      inner.answered(record, receipt);
      tell(record.name, () => callFailedEvent(record, receipt, clock.now()));
    },
    verified: (record, verification) => {
      inner.verified(record, verification);
      tell(record.name, () => verifiedEvent(record, verification, clock.now()));
    },
    recalled: (before, after) => {
      inner.recalled(before, after);
      tell(after.name, () => endEvent(before, after, clock.now()));
    },
    fault: (reason, detail, node) => inner.fault(reason, detail, node),
  };
}

/** The journal that also tells the people of the cluster, unless the configuration says not to. */
export function withEvents(
  journal: Journal,
  { config, clock, logger, metrics }: RoleParts,
  kubernetes: KubernetesConnection,
): { readonly journal: Journal; readonly components: readonly Component[] } {
  if (!config.events) return { journal, components: [] };
  const recorder = createEventRecorder({
    connection: kubernetes,
    instance: hostname(),
    secrets: secretsOf(config).flatMap((secret) => (secret === undefined ? [] : [secret.reveal()])),
  });
  const outbox = new EventOutbox({ recorder, clock, logger, metrics });
  return {
    journal: createEventJournal(journal, { outbox, clock }),
    components: [{ name: "events", stop: async () => outbox.close() }],
  };
}
