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

/**
 * When a verdict may be given at the earliest: while the call can still be on its way (`flight`: send deadline, call
 * deadline and the cloud's margin), a node that looks well may yet go down, and one that did not boot may yet do so.
 * Undefined: there is nothing to tell any more.
 */
export function verdictAt({ lastReboot }: NodeRecord, flight: Millis): EpochMillis | undefined {
  if (lastReboot === undefined || lastReboot.verification !== undefined) return undefined;
  return mayHaveHappened(lastReboot) ? lastReboot.intendedAt + flight : undefined;
}

/** The verdict on the latest reboot, once there is one; undefined: there was none, or it is too early to say. */
export function verificationOf(
  record: NodeRecord,
  now: EpochMillis,
  flight: Millis,
): RebootVerification | undefined {
  const { lastReboot, bootId, phase } = record;
  const earliest = verdictAt(record, flight);
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
