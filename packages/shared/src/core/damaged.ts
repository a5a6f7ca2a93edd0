import type { JudgedNode } from "./events.ts";
import type { RepairPolicy } from "./policy.ts";
import type { NodeRecord } from "./record.ts";
import type { EpochMillis } from "./time.ts";

/**
 * A record in place of one whose bytes cannot be read. The machine may have been rebooted a moment ago, so the longest
 * wait window starts now: damage in the store may delay a reboot, and never repeats one.
 */
export function recordAfterDamage(node: JudgedNode, policy: RepairPolicy, now: EpochMillis): NodeRecord {
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
    lastReboot: {
      incidentId: "damaged",
      number: 0,
      instanceId: node.providerId ?? "",
      token: "damaged",
      intendedAt: now,
      outcome: "Unknown",
      detail: "the record could not be read",
      waitUntil: now + Math.max(policy.rebootWait.standard, policy.rebootWait.gpu),
    },
  };
}
