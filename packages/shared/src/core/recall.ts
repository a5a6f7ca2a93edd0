/**
 * What Redis forgot of a reboot, and the ledger knows. Redis may lose its data, whole or its latest writes; the record of
 * a sick node then begins anew, with all its attempts before it and nothing to verify. The ledger's entry brings them
 * back: the wait, the attempts of the incident, and what must still be told.
 */
import { DAMAGED_TOKEN } from "./damaged.ts";
import { defined } from "./defined.ts";
import { isGivenUp, isWaiting } from "./due.ts";
import { enter, surelyNotDone } from "./incident.ts";
import { SHORT_TOKEN, type LedgerEntry, type LedgerOutcome } from "./ledger/ledger.ts";
import type { RepairPolicy } from "./policy.ts";
import type { Incident, NodeRecord, RebootAttempt, RebootOutcome, RebootVerification } from "./record.ts";
import type { Moment } from "./incident.ts";
import type { Millis } from "./time.ts";

/** The record with the reboot that the ledger knows and it does not; undefined: there is none. */
export function recalled(
  record: NodeRecord,
  entry: LedgerEntry | undefined,
  policy: RepairPolicy,
  { now, observed }: Moment,
): NodeRecord | undefined {
  if (entry === undefined || record.incident === undefined || isKnown(record, entry)) return undefined;
  const lastReboot = attemptOf(entry, record);
  const incident = withAttempts(record.incident, record, entry, policy.storm.curedAfter);
  const next: NodeRecord = { ...record, lastReboot, incident };
  const waits = isWaiting(next, now) && entry.outcome !== "NotSent" && entry.outcome !== "Rejected";
  if (waits) return enter(next, "WaitingReboot", now);
  return enter(next, isGivenUp(next, policy, now, observed) ? "Failed" : "Unhealthy", now);
}

/** The record knows this reboot, or a later one. Reboots of monitor-only were none, and damage is no knowledge. */
function isKnown({ lastReboot }: NodeRecord, { token, at }: LedgerEntry): boolean {
  if (lastReboot === undefined || lastReboot.outcome === "Simulated") return false;
  if (lastReboot.token === DAMAGED_TOKEN) return false;
  const isSame =
    token.length >= SHORT_TOKEN ? lastReboot.token.startsWith(token) : lastReboot.token === token;
  return isSame || lastReboot.intendedAt >= at;
}

/**
 * The incident goes on counting that reboot's attempts when it is the same one: it began before the reboot, or within its
 * window or before the node was well for long enough to count as cured (a relapse), or its record began with a sick node,
 * so that nobody saw it well in between.
 */
function withAttempts(
  incident: Incident,
  record: NodeRecord,
  entry: LedgerEntry,
  curedAfter: Millis,
): Incident {
  const { outcome, recoveredAt } = entry;
  const unproven = outcome === "Cured" || recoveredAt === undefined ? 0 : recoveredAt + curedAfter;
  const relapse = incident.startedAt < Math.max(entry.notBefore, unproven);
  const neverSeenWell = incident.startedAt <= record.firstSeenAt && entry.outcome !== "Cured";
  // An operator had it tried again since: what happened before that order does not count.
  const isRetried = entry.at <= (record.retriedAt ?? 0);
  if (entry.outcome === "Gone" || isRetried || (!relapse && !neverSeenWell)) return incident;
  return { ...incident, attempts: Math.max(incident.attempts, entry.attempt) };
}

function attemptOf(entry: LedgerEntry, { incident, providerId, lastReboot }: NodeRecord): RebootAttempt {
  const { outcome, verification } = outcomeOf(entry.outcome);
  const { bootIdBefore, recoveredAt } = entry;
  return {
    incidentId: incident?.id ?? "",
    // The ledger has given an attempt back that surely did not happen; a record numbers it all the same.
    number: surelyNotDone({ outcome, ...defined({ verification }) }) ? entry.attempt + 1 : entry.attempt,
    instanceId: entry.instanceId,
    token: entry.token,
    intendedAt: entry.at,
    outcome,
    detail: "recalled from the ledger",
    waitUntil: Math.max(entry.notBefore, lastReboot?.token === DAMAGED_TOKEN ? lastReboot.waitUntil : 0),
    ...defined({ bootIdBefore, recoveredAt, verification, providerId }),
  };
}

/** The ledger keeps one word for the answer and what it came to; a record keeps both. */
function outcomeOf(outcome: LedgerOutcome): {
  readonly outcome: RebootOutcome;
  readonly verification?: RebootVerification;
} {
  switch (outcome) {
    case "Intent":
    case "Accepted":
    case "Unknown":
    case "NotSent":
    case "Rejected":
      return { outcome };
    case "Newer":
      return { outcome: "Unknown" };
    case "Cured":
    case "StillBad":
    case "NotExecuted":
    case "Gone":
      return { outcome: "Accepted", verification: outcome };
    default:
      return outcome satisfies never;
  }
}
