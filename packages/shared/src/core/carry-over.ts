import type { CheckerName } from "./check.ts";
import type { JudgedNode } from "./events.ts";
import type { Phase } from "./phase.ts";
import type { RepairPolicy } from "./policy.ts";
import type { FailingCheck, NodeRecord, ObservedMillis } from "./record.ts";
import type { EpochMillis } from "./time.ts";

/** The record to go on from: of this uid and this mode, or a fresh one. */
export function carryOver(
  record: NodeRecord | undefined,
  node: JudgedNode,
  policy: RepairPolicy,
  now: EpochMillis,
  observed: ObservedMillis,
): NodeRecord {
  if (record === undefined || record.uid !== node.uid) return fresh(record, node, policy, now);
  if (record.monitorOnly === policy.monitorOnly) return record;
  const { lastReboot, ...rest } = record;
  const keepsReboot = lastReboot !== undefined && lastReboot.outcome !== "Simulated";
  return {
    ...rest,
    ...(keepsReboot ? { lastReboot } : {}),
    monitorOnly: policy.monitorOnly,
    phase: record.phase === "Failed" || !keepsReboot ? unwaited(record.phase) : record.phase,
    failing: restarted(record.failing, now, observed),
    ...(record.incident === undefined ? {} : { incident: { ...record.incident, attempts: 0 } }),
  };
}

function unwaited(phase: Phase): Phase {
  return phase === "WaitingReboot" || phase === "Failed" ? "Unhealthy" : phase;
}

function restarted(
  failing: NodeRecord["failing"],
  now: EpochMillis,
  observed: ObservedMillis,
): NodeRecord["failing"] {
  const next: Partial<Record<CheckerName, FailingCheck>> = {};
  for (const [name, clock] of entries(failing))
    next[name] = { ...clock, since: now, sinceObserved: observed };
  return next;
}

function fresh(
  previous: NodeRecord | undefined,
  node: JudgedNode,
  policy: RepairPolicy,
  now: EpochMillis,
): NodeRecord {
  const sameMachine =
    previous?.lastReboot !== undefined &&
    previous.providerId !== undefined &&
    previous.providerId === node.providerId &&
    previous.lastReboot.waitUntil > now;
  return {
    schema: 1,
    name: node.name,
    uid: node.uid,
    phase: "Unknown",
    phaseSince: now,
    firstSeenAt: now,
    everReady: false,
    gpuNode: sameMachine && previous.gpuNode,
    gpuHighWater: 0,
    monitorOnly: policy.monitorOnly,
    failing: {},
    ...(sameMachine && previous.lastReboot ? { lastReboot: previous.lastReboot } : {}),
  };
}

function entries(failing: NodeRecord["failing"]): [CheckerName, FailingCheck][] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Object.entries forgets the key type of a closed record.
  return Object.entries(failing) as [CheckerName, FailingCheck][];
}
