import type { Phase } from "./phase.ts";
import {
  withField,
  type Incident,
  type NodeRecord,
  type ObservedMillis,
  type RebootAttempt,
} from "./record.ts";
import type { EpochMillis, Millis } from "./time.ts";

/** The two clocks: the store's wall clock and the observation clock. */
export interface Moment {
  readonly now: EpochMillis;
  readonly observed: ObservedMillis;
}

/**
 * Observed time for which a node that is well must stay so until it has been for `span`; 0: it has. A record that does not
 * know when its incident ended goes by the wall time of its phase.
 */
export function wellLeft(
  { lastIncident, phaseSince }: NodeRecord,
  span: Millis,
  { now, observed }: Moment,
): Millis {
  const well = lastIncident === undefined ? now - phaseSince : observed - lastIncident.endedObserved;
  return Math.max(0, span - Math.max(0, well));
}

/** The incident that this failure continues, because its latest repair did not count as a cure yet; undefined: none. */
export function relapse(record: NodeRecord, curedAfter: Millis, moment: Moment): Incident | undefined {
  const { lastIncident } = record;
  if (lastIncident === undefined || wellLeft(record, curedAfter, moment) === 0) return undefined;
  return { id: lastIncident.id, startedAt: moment.now, attempts: lastIncident.attempts };
}

/** The present failure began after the latest repair: the node was well in between. */
export function isRelapse({ incident, lastReboot }: NodeRecord): boolean {
  return incident !== undefined && lastReboot !== undefined && incident.startedAt > lastReboot.intendedAt;
}

/** It surely did not happen: no call was made, it was refused, or its machine is known not to have gone down. */
export function surelyNotDone({
  outcome,
  verification,
}: Pick<RebootAttempt, "outcome" | "verification">): boolean {
  return outcome === "NotSent" || outcome === "Rejected" || verification === "NotExecuted";
}

/**
 * A new incident. A record that no longer knows the incident before it goes by its latest reboot: inside the wait window of the latest reboot the failure is a
 * relapse and goes on counting that reboot's attempts; calls that surely never happened were never counted.
 */
export function newIncident(record: NodeRecord, now: EpochMillis): Incident {
  const last = record.lastReboot;
  const id = `${record.uid}@${now}`;
  const isOver = last === undefined || last.waitUntil <= now || last.intendedAt <= (record.retriedAt ?? 0);
  if (isOver) return { id, startedAt: now, attempts: 0 };
  return { id, startedAt: now, attempts: surelyNotDone(last) ? last.number - 1 : last.number };
}

/** The record with its incident closed: attempts and failing clocks are gone. */
export function closed(record: NodeRecord): NodeRecord {
  const { incident: _incident, ...rest } = record;
  return { ...rest, failing: {} };
}

/** The same, and nothing of earlier failures counts any more. */
export function forgotten(record: NodeRecord): NodeRecord {
  return withField(closed(record), "draining", undefined);
}

/** The incident that a relapse of this node would continue; one that counts as cured, or made no repair, is left out. */
export function lastIncidentAfter(
  { incident, lastIncident, ...record }: NodeRecord,
  curedAfter: Millis,
  moment: Moment,
): Pick<NodeRecord, "lastIncident"> {
  const { now: endedAt, observed: endedObserved } = moment;
  if (incident !== undefined) {
    const { id, attempts } = incident;
    return attempts === 0 ? {} : { lastIncident: { id, attempts, endedAt, endedObserved } };
  }
  if (lastIncident === undefined) return {};
  // The observation clock was reset under it: the proof starts again.
  if (lastIncident.endedObserved > endedObserved)
    return { lastIncident: { ...lastIncident, endedAt, endedObserved } };
  return wellLeft({ ...record, lastIncident }, curedAfter, moment) === 0 ? {} : { lastIncident };
}

/** The record in this phase; `phaseSince` moves only when the phase changes. */
export function enter(record: NodeRecord, phase: Phase, now: EpochMillis): NodeRecord {
  return record.phase === phase ? record : { ...record, phase, phaseSince: now };
}
