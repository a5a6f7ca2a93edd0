import type { JudgedNode } from "./events.ts";
import type { RepairPolicy } from "./policy.ts";
import type { NodeRecord, RebootAttempt } from "./record.ts";
import { HOUR, type EpochMillis, type Millis } from "./time.ts";

/** The token of a reboot that nobody asked for: it stands in for whatever the damaged bytes said. */
export const DAMAGED_TOKEN = "damaged";

/** The record of a node that was never judged. */
export function freshRecord(node: JudgedNode, policy: RepairPolicy, now: EpochMillis): NodeRecord {
  return {
    schema: 1,
    name: node.name,
    uid: node.uid,
    phase: "Unknown",
    phaseSince: now,
    firstSeenAt: now,
    everReady: false,
    gpuNode: false,
    gpuHighWater: 0,
    monitorOnly: policy.monitorOnly,
    failing: {},
  };
}

/**
 * A record in place of one whose bytes cannot be read. The machine may have been rebooted a moment ago, so the longest
 * wait window starts now: damage in the store may delay a reboot, and never repeats one.
 */
export function recordAfterDamage(node: JudgedNode, policy: RepairPolicy, now: EpochMillis): NodeRecord {
  return {
    ...freshRecord(node, policy, now),
    lastReboot: {
      incidentId: "damaged",
      number: 0,
      instanceId: node.providerId ?? "",
      token: DAMAGED_TOKEN,
      intendedAt: now,
      outcome: "Unknown",
      detail: "the record could not be read",
      waitUntil: now + Math.max(policy.rebootWait.standard, policy.rebootWait.gpu),
    },
  };
}

/** A cloud may ask for a pause of its own; no longer one is heeded (facts on the Civo API). */
const LONGEST_RETRY_AFTER = HOUR;

/**
 * The record without times that nobody of ours can have written: past things that lie in the future, and a wait that
 * is longer than any wait. Such a wait starts anew as the longest there is, so that forged bytes can put a reboot off,
 * and never for ever. Times that make sense stay, and the same record comes back.
 */
export function withPossibleTimes(record: NodeRecord, policy: RepairPolicy, now: EpochMillis): NodeRecord {
  const { bootSeenAt = 0, foreignBootAt = 0, firstSeenAt, lastReboot } = record;
  const longest = Math.max(policy.rebootWait.standard, policy.rebootWait.gpu);
  const waitsForEver =
    lastReboot !== undefined && lastReboot.waitUntil > now + 2 * longest + LONGEST_RETRY_AFTER;
  if (Math.max(bootSeenAt, foreignBootAt, firstSeenAt) <= now && !waitsForEver) return record;
  return {
    ...record,
    firstSeenAt: Math.min(firstSeenAt, now),
    ...(bootSeenAt > now ? { bootSeenAt: now } : {}),
    ...(foreignBootAt > now ? { foreignBootAt: now } : {}),
    ...(waitsForEver ? { lastReboot: waiting(lastReboot, longest, now) } : {}),
  };
}

function waiting(reboot: RebootAttempt, wait: Millis, now: EpochMillis): RebootAttempt {
  return { ...reboot, intendedAt: Math.min(reboot.intendedAt, now), waitUntil: now + wait };
}
