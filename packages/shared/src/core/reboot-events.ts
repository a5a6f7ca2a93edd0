import { enter, newIncident } from "./incident.ts";
import type { NodeEvent, Transition } from "./events.ts";
import type { Incident, NodeRecord, RebootAttempt } from "./record.ts";
import type { EpochMillis } from "./time.ts";

/** An intent to reboot was written: it counts as a reboot from now on, whatever becomes of the call. */
export function intended(
  record: NodeRecord,
  event: Extract<NodeEvent, { type: "RebootIntended" }>,
  now: EpochMillis,
): Transition {
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
    ...(record.bootId === undefined ? {} : { bootIdBefore: record.bootId }),
  };
  const next = enter({ ...record, incident: { ...incident, attempts }, lastReboot }, "WaitingReboot", now);
  return { record: { ...next, scheduledAt: event.waitUntil }, actions: [] };
}

/** The call came back, or surely never left. */
export function finished(
  record: NodeRecord,
  event: Extract<NodeEvent, { type: "RebootFinished" }>,
  now: EpochMillis,
): Transition {
  const attempt = record.lastReboot;
  // A late answer to an intent that is no longer the latest changes nothing.
  if (attempt === undefined || attempt.token !== event.token) return { record, actions: [] };
  const lastReboot = { ...attempt, outcome: event.outcome, detail: event.detail, waitUntil: event.waitUntil };
  if (event.outcome !== "NotSent" && event.outcome !== "Rejected") {
    const waits = record.phase === "WaitingReboot";
    return {
      record: { ...record, lastReboot, ...(waits ? { scheduledAt: event.waitUntil } : {}) },
      actions: [],
    };
  }
  const incident = uncounted(record.incident, attempt);
  const next: NodeRecord = { ...record, lastReboot, ...(incident === undefined ? {} : { incident }) };
  // Recovery may have been seen while the call was under way; then there is nothing to go back to.
  if (record.phase !== "WaitingReboot") return { record: next, actions: [] };
  return { record: { ...enter(next, "Unhealthy", now), scheduledAt: event.waitUntil }, actions: [] };
}

function uncounted(incident: Incident | undefined, attempt: RebootAttempt): Incident | undefined {
  if (incident === undefined || incident.id !== attempt.incidentId) return incident;
  return { ...incident, attempts: Math.max(0, incident.attempts - 1) };
}
