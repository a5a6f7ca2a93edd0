/**
 * The story of an incident as it is told to the people of its cluster: the gate that holds the reboot, the request, what
 * became of it, the end. Pure; a step that another event tells already is undefined.
 */
import { CHECKER_NAMES } from "./check.ts";
import { HELD_TYPES, type ClusterEvent } from "./cluster-event.ts";
import type { GateName } from "./gates/gate.ts";
import type { LedgerGrant } from "./ledger/ledger.ts";
import type { NodeRecord, RebootOutcome, RebootVerification } from "./record.ts";
import { instantText, isInstant } from "./time-text.ts";
import { SECOND, type EpochMillis } from "./time.ts";

/** What all events of a node share is taken from its record. */
type Told = Pick<ClusterEvent, "reason" | "type" | "message"> & {
  /** What tells this event from others of the same reason. */
  readonly of: readonly (string | number | undefined)[];
};

/**
 * A gate holds the reboot. `change` counts the changes of gate in the life of the pending reboot: a gate that holds again
 * after another one did is told again, the same one however often it is asked is not.
 */
export function heldEvent(
  record: NodeRecord,
  { gate, why, at }: { readonly gate: GateName; readonly why: string; readonly at?: EpochMillis },
  change: number,
  now: EpochMillis,
): ClusterEvent | undefined {
  const type = HELD_TYPES[gate];
  // Without an incident there is no reboot to hold: what is left of the job is to tell what the latest one came to.
  if (type === undefined || record.incident === undefined) return undefined;
  // To the second; nothing for an instant that only damaged bytes can name.
  const until = at !== undefined && isInstant(at) ? ` until ${instantText(at)}` : "";
  return tell(record, now, {
    reason: "RebootHeld",
    type,
    message: `${gate} ${record.monitorOnly ? "would hold" : "holds"} the reboot${until}: ${why}`,
    of: [record.incident.id, record.incident.startedAt, record.incident.attempts, change, gate],
  });
}

/** The intent is written and the call is about to be made; in monitor-only mode it would be. */
export function requestedEvent(
  record: NodeRecord,
  instanceId: string,
  now: EpochMillis,
  grant?: Pick<LedgerGrant, "by" | "reason">,
): ClusterEvent {
  const attempt = attemptOf(record);
  const under = grant === undefined ? "" : `; under the grant of ${grant.by}: ${grant.reason}`;
  return tell(record, now, {
    reason: "RebootRequested",
    type: "Normal",
    message: `${record.monitorOnly ? "would request" : "requests"} ${attempt} of VM ${instanceId}; failing: ${failingOf(record)}${under}`,
    of: [record.lastReboot?.incidentId, record.lastReboot?.number],
  });
}

/** The call came back and was no success. */
export function callFailedEvent(
  record: NodeRecord,
  { outcome, detail }: { readonly outcome: RebootOutcome; readonly detail: string },
  now: EpochMillis,
): ClusterEvent | undefined {
  const what = FAILURES[outcome];
  if (what === undefined) return undefined;
  return tell(record, now, {
    reason: "RebootCallFailed",
    type: "Warning",
    message: `${attemptOf(record)} ${what}: ${detail}`,
    of: [record.lastReboot?.incidentId, record.lastReboot?.number, outcome],
  });
}

/** It is known what the latest reboot came to. */
export function verifiedEvent(
  record: NodeRecord,
  verification: RebootVerification,
  now: EpochMillis,
): ClusterEvent {
  return tell(record, now, {
    reason: "RebootVerified",
    type: verification === "Cured" ? "Normal" : "Warning",
    message: `${verification}: ${attemptOf(record)} ${verdictOf(verification, record)}`,
    of: [record.lastReboot?.incidentId, record.lastReboot?.number, verification],
  });
}

/** The end of an incident: the node is well again, or given up. Any other change of phase is undefined. */
export function endEvent(
  before: NodeRecord | undefined,
  after: NodeRecord | undefined,
  now: EpochMillis,
): ClusterEvent | undefined {
  if (after === undefined) return undefined;
  const known = before?.uid === after.uid ? before : undefined;
  if (known?.phase === after.phase) return undefined;
  if (after.phase === "Failed") {
    const { attempts = 0, id, startedAt } = after.incident ?? {};
    return tell(after, now, {
      reason: "NodeFailed",
      type: "Warning",
      message: `${after.monitorOnly ? "would be given up" : "given up"} after ${reboots(attempts)}, a person has to look; failing: ${failingOf(after)}`,
      of: [id, startedAt],
    });
  }
  if (after.phase !== "Healthy" || known?.incident === undefined) return undefined;
  const { id, startedAt, attempts } = known.incident;
  const lasted = Math.round(Math.max(0, now - startedAt) / SECOND);
  return tell(after, now, {
    reason: "NodeRecovered",
    type: "Normal",
    message: `every checker passes again after ${lasted} s and ${reboots(attempts)}${after.monitorOnly && attempts > 0 ? " that would have been made" : ""}`,
    // One incident recovers as often as it relapses.
    of: [id, startedAt],
  });
}

/** The Event of a record: who it is about, and an identity that is the same in every worker. */
export function tell(record: NodeRecord, at: EpochMillis, { of, message, ...told }: Told): ClusterEvent {
  const { name, uid, monitorOnly } = record;
  const identity = [name, uid, monitorOnly ? "monitor" : "active", told.reason, ...of].join("/");
  return {
    ...told,
    message: monitorOnly ? `monitor-only: ${message}` : message,
    node: name,
    uid,
    identity,
    at,
  };
}

function attemptOf({ lastReboot }: NodeRecord): string {
  return `reboot ${lastReboot?.number ?? "?"}`;
}

/** So many reboots, in words. */
export function reboots(count: number): string {
  return count === 1 ? "1 reboot" : `${count} reboots`;
}

function failingOf(record: NodeRecord): string {
  const failing = CHECKER_NAMES.flatMap((name) => {
    const clock = record.failing[name];
    return clock === undefined ? [] : [`${name}/${clock.reason}`];
  });
  return failing.length === 0 ? "nothing" : failing.join(", ");
}

const FAILURES: Readonly<Record<RebootOutcome, string | undefined>> = {
  NotSent: "was not sent",
  Rejected: "was refused",
  Unknown: "may or may not have been made, and counts as made",
  Intent: undefined,
  Accepted: undefined,
  Simulated: undefined,
};

function verdictOf(verification: RebootVerification, { lastReboot }: NodeRecord): string {
  switch (verification) {
    case "Cured":
      return "cured the node: it stayed healthy";
    case "StillBad":
      return lastReboot?.recoveredAt === undefined
        ? "did not cure the node: it still fails"
        : "was made, and the node failed again after it had recovered";
    case "NotExecuted":
      return "was not carried out, and does not count as an attempt: the kubelet reports the same boot id";
    case "Gone":
      return "cannot be judged: the node is gone";
    default:
      return verification satisfies never;
  }
}
