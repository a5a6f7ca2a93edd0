import { hostname } from "node:os";
import { createEventRecorder, type KubernetesConnection } from "@node-agent/kubernetes";
import type { Component } from "@node-agent/shared/runtime/lifecycle.ts";
import { secretsOf, type RoleParts } from "@node-agent/shared/runtime/role.ts";
import { createEventJournal } from "./event-journal.ts";
import { EventOutbox } from "./event-outbox.ts";
import type { Journal } from "./journal.ts";

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
