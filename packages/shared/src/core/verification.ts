/**
 * What a reboot came to, told by the boot id: it alone proves that the machine went down (facts on Kubernetes, 2.4).
 * Ready alone proves nothing: a node can recover by itself, or never have gone down.
 */
import { askingCheckers, dueIn, isWaiting } from "./due.ts";
import { isRelapse, wellLeft, type Moment } from "./incident.ts";
import type { NodeSnapshot } from "./node.ts";
import type { RepairPolicy } from "./policy.ts";
import type { NodeRecord, RebootAttempt, RebootVerification } from "./record.ts";
import type { EpochMillis, Millis } from "./time.ts";

/** The kubelet reports. While it is silent the node shows the boot id of before, whatever its machine did since. */
export function speaks({ conditions }: Pick<NodeSnapshot, "conditions">): boolean {
  return conditions.some(({ type, status }) => type === "Ready" && status !== "Unknown");
}

/** The node is gone, and with it the chance to tell what its latest reboot came to. */
export function verificationOfGone(record: NodeRecord): RebootVerification | undefined {
  return isVerdictPending(record) ? "Gone" : undefined;
}

/** What it came to is not known yet: nobody may forget to look. */
export function isVerdictPending({ lastReboot }: NodeRecord): boolean {
  if (lastReboot === undefined || lastReboot.verification !== undefined) return false;
  // A call was made, or may have been; a boot in its wait may be its doing.
  const { outcome } = lastReboot;
  return outcome !== "Simulated" && outcome !== "NotSent" && outcome !== "Rejected";
}

/** How long a verdict waits. */
export interface VerdictTimings {
  /** How long a call can be on its way: send deadline, call deadline and the cloud's margin. */
  readonly flight: Millis;
  /** How long a node must have been well before its place in the limits is free. */
  readonly recoveredAfter: Millis;
  /** How long a node must have been well before its reboot counts as a cure. */
  readonly curedAfter: Millis;
}

/** What may be said of a reboot: that its node is well again, which is no verdict yet, or the verdict. */
export type RebootProof = RebootVerification | "Recovered";

/** What a verdict looks at beside the record, and the store's clocks. */
export interface VerdictView extends Moment {
  readonly policy: RepairPolicy;
  /** The node was read a moment ago, and its kubelet reports. */
  readonly speaks: boolean;
}

/**
 * From when on a node that booted and still fails is known to be still bad: a checker has failed for its threshold since
 * the boot, and the node had time to settle. Undefined: it did not boot, or no failing checker asks for a repair.
 */
export function knownBadAt(record: NodeRecord, policy: RepairPolicy): EpochMillis | undefined {
  const { lastReboot, bootSeenAt, failing } = record;
  const isOpen = lastReboot !== undefined && bootSeenAt !== undefined && isVerdictPending(record);
  if (!isOpen || !hasBootIds(record, lastReboot) || !hasRebooted(record, lastReboot)) return undefined;
  const times = askingCheckers(record, policy).map((checker) => {
    const span = Math.max(policy.storm.settle, policy.checkers[checker].threshold);
    return Math.max(bootSeenAt, failing[checker]?.since ?? 0) + span;
  });
  return times.length === 0 ? undefined : Math.min(...times);
}

/**
 * When something may be said at the earliest: while the call can still be on its way, a node that looks well may yet go
 * down, and one that did not boot may yet do so; and a node that comes up only to fall over again was not cured.
 * Undefined: there is nothing to tell any more.
 */
export function verdictAt(
  record: NodeRecord,
  moment: Moment,
  timings: VerdictTimings,
): EpochMillis | undefined {
  const { lastReboot, phase } = record;
  if (lastReboot === undefined || !isVerdictPending(record)) return undefined;
  const landed = lastReboot.intendedAt + timings.flight;
  if (phase !== "Healthy") return landed;
  // A machine that goes down late may still show as Ready, with the boot id of before.
  if (!hasRebooted(record, lastReboot)) return Math.max(landed, lastReboot.waitUntil);
  const proving = lastReboot.recoveredAt !== undefined;
  const span = proving ? timings.curedAfter : Math.min(timings.recoveredAfter, timings.curedAfter);
  return Math.max(landed, moment.now + wellLeft(record, span, moment));
}

/** What may be said of the latest reboot now; undefined: there was none, nothing is left to say, or it is too early. */
export function proofOf(
  record: NodeRecord,
  view: VerdictView,
  timings: VerdictTimings,
): RebootProof | undefined {
  const { lastReboot, phase } = record;
  const earliest = verdictAt(record, view, timings);
  if (lastReboot === undefined || earliest === undefined || view.now < earliest) return undefined;
  // Of a node that is gone, or not judged yet, nothing can be told: it may come back as the same VM.
  if (phase === "Unknown") return undefined;
  const rebooted = hasRebooted(record, lastReboot);
  if (phase === "Healthy") {
    if (!rebooted) return "NotExecuted";
    return wellLeft(record, timings.curedAfter, view) === 0 ? "Cured" : "Recovered";
  }
  return proofOfSick(record, lastReboot, view);
}

function proofOfSick(
  record: NodeRecord,
  lastReboot: RebootAttempt,
  view: VerdictView,
): RebootVerification | undefined {
  const isKnown = isWaiting(record, view.now) ? isKnownBad(record, view) : !provesNothing(record, view);
  if (!isKnown) return undefined;
  // A machine that went down and never came up shows the same boot id: only a kubelet that reports proves the contrary.
  const isUnmoved = !hasRebooted(record, lastReboot) && hasBootIds(record, lastReboot);
  return isUnmoved && view.speaks ? "NotExecuted" : "StillBad";
}

/** The node is known to be still bad, before its wait is over. */
export function isKnownBad(record: NodeRecord, view: VerdictView): boolean {
  const from = knownBadAt(record, view.policy);
  return from !== undefined && view.speaks && view.now >= from && !provesNothing(record, view);
}

/** A relapse that passes before another reboot is due proves nothing: the time to a cure starts again after it. */
function provesNothing(record: NodeRecord, { policy, observed }: VerdictView): boolean {
  return isRelapse(record) && dueIn(record, policy, observed) !== 0;
}

function hasBootIds({ bootId }: NodeRecord, { bootIdBefore }: RebootAttempt): boolean {
  return bootId !== undefined && bootIdBefore !== undefined;
}

/** The machine went down. Without boot ids (some Windows nodes) the node's health is all there is to go by. */
function hasRebooted({ bootId, phase }: NodeRecord, { bootIdBefore, recoveredAt }: RebootAttempt): boolean {
  if (bootId !== undefined && bootIdBefore !== undefined) return bootId !== bootIdBefore;
  return phase === "Healthy" || recoveredAt !== undefined;
}
