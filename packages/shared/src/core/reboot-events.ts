import { defined } from "./defined.ts";
import { enter, newIncident } from "./incident.ts";
import type { NodeEvent } from "./events.ts";
import type { NodeRecord, RebootAttempt } from "./record.ts";
import type { EpochMillis } from "./time.ts";

/** An intent to reboot was written: it counts as a reboot from now on, whatever becomes of the call. */
export function intended(
  record: NodeRecord,
  event: Extract<NodeEvent, { type: "RebootIntended" }>,
  now: EpochMillis,
): NodeRecord {
  // The same intent again, after a lost reply of the store: it is counted once.
  if (record.lastReboot?.token === event.token) return record;
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
  return enter({ ...record, incident: { ...incident, attempts }, lastReboot }, "WaitingReboot", now);
}

/** The call came back, or surely never left. The first answer to an intent is its last. */
export function finished(
  record: NodeRecord,
  event: Extract<NodeEvent, { type: "RebootFinished" }>,
  now: EpochMillis,
): NodeRecord {
  const attempt = record.lastReboot;
  // A late answer to an intent that is no longer the latest, or was answered, changes nothing.
  if (attempt?.token !== event.token || attempt.outcome !== "Intent") return record;
  const lastReboot = { ...attempt, outcome: event.outcome, detail: event.detail, waitUntil: event.waitUntil };
  if (event.outcome !== "NotSent" && event.outcome !== "Rejected") return { ...record, lastReboot };
  const next: NodeRecord = { ...givenBack(record, attempt), lastReboot };
  // Recovery may have been seen while the call was under way; then there is nothing to go back to.
  return record.phase === "WaitingReboot" ? enter(next, "Unhealthy", now) : next;
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
): NodeRecord {
  const attempt = record.lastReboot;
  const known = attempt?.verification !== undefined || attempt?.recoveredAt !== undefined;
  if (attempt?.token !== token || known) return record;
  return { ...record, lastReboot: { ...attempt, recoveredAt: now } };
}

/** It is known what the reboot came to; said once, and only of the latest. */
export function verified(
  record: NodeRecord,
  { token, verification }: Extract<NodeEvent, { type: "RebootVerified" }>,
  now: EpochMillis,
): NodeRecord {
  const attempt = record.lastReboot;
  if (attempt?.token !== token || attempt.verification !== undefined) return record;
  const lastReboot = { ...attempt, verification };
  if (verification !== "NotExecuted") return { ...record, lastReboot };
  // Given up for attempts of which this one was none: it goes on.
  const next = record.phase === "Failed" ? enter(record, "Unhealthy", now) : record;
  return { ...givenBack(next, attempt), lastReboot };
}
