import { defined } from "./defined.ts";
import { enter, newIncident } from "./incident.ts";
import type { NodeEvent, Transition } from "./events.ts";
import type { NodeRecord, RebootAttempt } from "./record.ts";
import type { EpochMillis } from "./time.ts";

/** An intent to reboot was written: it counts as a reboot from now on, whatever becomes of the call. */
export function intended(
  record: NodeRecord,
  event: Extract<NodeEvent, { type: "RebootIntended" }>,
  now: EpochMillis,
): Transition {
  // The same intent again, after a lost reply of the store: it is counted once.
  if (record.lastReboot?.token === event.token) return { record, actions: [] };
  const incident = record.incident ?? newIncident(record, now);
  const attempts = incident.attempts + 1;
  const lastReboot: RebootAttempt = {
    incidentId: incident.id,
    number: attempts,
    instanceId: event.instanceId,
    token: event.token,
    intendedAt: now,
    outcome: "Intent",
    detail: "",
    waitUntil: event.waitUntil,
    ...defined({ bootIdBefore: record.bootId, providerId: record.providerId }),
  };
  const next = enter({ ...record, incident: { ...incident, attempts }, lastReboot }, "WaitingReboot", now);
  return { record: next, actions: [] };
}

/** The call came back, or surely never left. The first answer to an intent is its last. */
export function finished(
  record: NodeRecord,
  event: Extract<NodeEvent, { type: "RebootFinished" }>,
  now: EpochMillis,
): Transition {
  const attempt = record.lastReboot;
  // A late answer to an intent that is no longer the latest, or was answered, changes nothing.
  if (attempt?.token !== event.token || attempt.outcome !== "Intent") return { record, actions: [] };
  const lastReboot = { ...attempt, outcome: event.outcome, detail: event.detail, waitUntil: event.waitUntil };
  if (event.outcome !== "NotSent" && event.outcome !== "Rejected") {
    return { record: { ...record, lastReboot }, actions: [] };
  }
  const next: NodeRecord = { ...givenBack(record, attempt), lastReboot };
  // Recovery may have been seen while the call was under way; then there is nothing to go back to.
  if (record.phase !== "WaitingReboot") return { record: next, actions: [] };
  return { record: enter(next, "Unhealthy", now), actions: [] };
}

/** An attempt that surely did not happen counts for nothing, neither in its incident nor in the one that a relapse continues. */
function givenBack(record: NodeRecord, attempt: RebootAttempt): NodeRecord {
  const incident = uncounted(record.incident, attempt);
  const lastIncident = uncounted(record.lastIncident, attempt);
  return { ...record, ...defined({ incident, lastIncident }) };
}

/** The incident that made this attempt, or a relapse that goes on counting it, without it. */
function uncounted<T extends { readonly attempts: number }>(
  incident: T | undefined,
  attempt: RebootAttempt,
): T | undefined {
  if (incident === undefined || incident.attempts !== attempt.number) return incident;
  return { ...incident, attempts: attempt.number - 1 };
}

/** The node has been well for long enough to free its place in the limits; said once, and only of the latest reboot. */
export function recovered(
  record: NodeRecord,
  { token }: Extract<NodeEvent, { type: "RebootRecovered" }>,
  now: EpochMillis,
): Transition {
  const attempt = record.lastReboot;
  const known = attempt?.verification !== undefined || attempt?.recoveredAt !== undefined;
  if (attempt?.token !== token || known) return { record, actions: [] };
  return { record: { ...record, lastReboot: { ...attempt, recoveredAt: now } }, actions: [] };
}

/** It is known what the reboot came to; said once, and only of the latest. */
export function verified(
  record: NodeRecord,
  { token, verification }: Extract<NodeEvent, { type: "RebootVerified" }>,
  now: EpochMillis,
): Transition {
  const attempt = record.lastReboot;
  if (attempt?.token !== token || attempt.verification !== undefined) return { record, actions: [] };
  const lastReboot = { ...attempt, verification };
  if (verification !== "NotExecuted") return { record: { ...record, lastReboot }, actions: [] };
  // Given up for attempts of which this one was none: it goes on.
  const next = record.phase === "Failed" ? enter(record, "Unhealthy", now) : record;
  return { record: { ...givenBack(next, attempt), lastReboot }, actions: [] };
}
