/**
 * What a reboot came to, told by the boot id: it alone proves that the machine went down (facts on Kubernetes, 2.4).
 * Ready alone proves nothing: a node can recover by itself, or never have gone down.
 */
import { isWaiting } from "./due.ts";
import type { NodeRecord, RebootAttempt, RebootVerification } from "./record.ts";
import type { EpochMillis, Millis } from "./time.ts";

/** A call was made, or may have been; a boot in its wait may be its doing. */
export function mayHaveHappened({ outcome }: RebootAttempt): boolean {
  return outcome !== "Simulated" && outcome !== "NotSent" && outcome !== "Rejected";
}

/** The node is gone, and with it the chance to tell what its latest reboot came to. */
export function verificationOfGone({ lastReboot }: NodeRecord): RebootVerification | undefined {
  if (lastReboot === undefined || lastReboot.verification !== undefined) return undefined;
  return mayHaveHappened(lastReboot) ? "Gone" : undefined;
}

/** What it came to is not known yet: nobody may forget to look. */
export function isVerdictPending({ lastReboot }: NodeRecord): boolean {
  return lastReboot !== undefined && lastReboot.verification === undefined && mayHaveHappened(lastReboot);
}

/** How long a verdict waits. */
export interface VerdictTimings {
  /** How long a call can be on its way: send deadline, call deadline and the cloud's margin. */
  readonly flight: Millis;
  /** How long a node must have been well before its reboot counts as a cure. */
  readonly curedAfter: Millis;
}

/**
 * When a verdict may be given at the earliest: while the call can still be on its way, a node that looks well may yet go
 * down, and one that did not boot may yet do so; and a node that comes up only to fall over again was not cured.
 * Undefined: there is nothing to tell any more.
 */
export function verdictAt(record: NodeRecord, timings: VerdictTimings): EpochMillis | undefined {
  const { lastReboot, phase, phaseSince } = record;
  if (lastReboot === undefined || !isVerdictPending(record)) return undefined;
  const landed = lastReboot.intendedAt + timings.flight;
  return phase === "Healthy" ? Math.max(landed, phaseSince + timings.curedAfter) : landed;
}

/** The verdict on the latest reboot, once there is one; undefined: there was none, or it is too early to say. */
export function verificationOf(
  record: NodeRecord,
  now: EpochMillis,
  timings: VerdictTimings,
): RebootVerification | undefined {
  const { lastReboot, bootId, phase } = record;
  const earliest = verdictAt(record, timings);
  if (lastReboot === undefined || earliest === undefined || now < earliest) return undefined;
  // Of a node that is gone, or not judged yet, nothing can be told: it may come back as the same VM.
  if (phase === "Unknown") return undefined;
  const { bootIdBefore } = lastReboot;
  const wellAgain = phase === "Healthy";
  if (!wellAgain && isWaiting(record, now)) return undefined;
  // Without boot ids (some Windows nodes) the node's health is all there is to go by.
  const comparable = bootId !== undefined && bootIdBefore !== undefined;
  const rebooted = comparable ? bootId !== bootIdBefore : wellAgain;
  if (!rebooted) return "NotExecuted";
  return wellAgain ? "Cured" : "StillBad";
}
