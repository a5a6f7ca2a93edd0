import type { Phase } from "./phase.ts";
import type { Incident, NodeRecord } from "./record.ts";
import type { EpochMillis } from "./time.ts";

/**
 * A new incident. Inside the wait window of the latest reboot it is a relapse and goes on counting that reboot's
 * attempts; calls that surely never happened were never counted.
 */
export function newIncident(record: NodeRecord, now: EpochMillis): Incident {
  const last = record.lastReboot;
  const id = `${record.uid}@${now}`;
  if (last === undefined || last.waitUntil <= now) return { id, startedAt: now, attempts: 0 };
  const uncounted = last.outcome === "NotSent" || last.outcome === "Rejected";
  return { id, startedAt: now, attempts: uncounted ? last.number - 1 : last.number };
}

/** The record with its incident closed: clocks, attempts and the scheduled reboot are gone. */
export function closed(record: NodeRecord): NodeRecord {
  const { incident: _incident, scheduledAt: _scheduledAt, ...rest } = record;
  return { ...rest, failing: {} };
}

/** The record in this phase; `phaseSince` moves only when the phase changes. */
export function enter(record: NodeRecord, phase: Phase, now: EpochMillis): NodeRecord {
  return record.phase === phase ? record : { ...record, phase, phaseSince: now };
}
