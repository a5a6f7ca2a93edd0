import { freshRecord, withPossibleTimes } from "./damaged.ts";
import { defined } from "./defined.ts";
import { isWaiting } from "./due.ts";
import type { JudgedNode } from "./events.ts";
import { enter, forgotten } from "./incident.ts";
import type { RepairPolicy } from "./policy.ts";
import type { NodeRecord, ObservedMillis, RebootAttempt } from "./record.ts";
import type { EpochMillis } from "./time.ts";

/** The record to go on from: of this mode, this uid and this VM, or a fresh one. */
export function carryOver(
  record: NodeRecord | undefined,
  node: JudgedNode,
  policy: RepairPolicy,
  now: EpochMillis,
  observed: ObservedMillis,
): NodeRecord {
  if (record === undefined) return freshRecord(node, policy, now);
  const possible = withPossibleTimes(record, policy, now);
  const sameMode = possible.monitorOnly === policy.monitorOnly;
  const known = sameMode ? possible : switched(possible, policy, now, observed);
  const own = isOfAnotherVm(known.lastReboot, node) ? withoutReboot(known) : known;
  return own.uid === node.uid ? own : renewed(own, node, policy, now);
}

/**
 * What is kept of a node that no longer exists: its latest reboot, as long as the wait of it runs, because the VM may
 * live on and register again. Undefined: nothing is left to be remembered.
 */
export function farewell(record: NodeRecord, now: EpochMillis): NodeRecord | undefined {
  return isWaiting(record, now) ? enter(forgotten(record), "Unknown", now) : undefined;
}

/** Only two different provider ids prove another VM: a node that registers again gets its own some time later. */
function isOfAnotherVm(reboot: RebootAttempt | undefined, node: JudgedNode): boolean {
  if (reboot?.providerId === undefined || node.providerId === undefined) return false;
  return reboot.providerId !== node.providerId;
}

function withoutReboot(record: NodeRecord): NodeRecord {
  const { lastReboot: _lastReboot, incident: _incident, lastIncident: _lastIncident, ...rest } = record;
  return rest;
}

/**
 * Whatever was decided in the other mode leads to nothing: what drains is empty, clocks and the count of attempts start again, simulated
 * reboots never were. A reboot that happened, or may have happened, keeps its wait and its number within it. The phase
 * follows from what is left at the judgement that asked.
 */
function switched(
  record: NodeRecord,
  policy: RepairPolicy,
  now: EpochMillis,
  observed: ObservedMillis,
): NodeRecord {
  const { lastReboot, incident: _incident, lastIncident: _last, draining: _draining, ...rest } = record;
  const real = lastReboot !== undefined && lastReboot.outcome !== "Simulated";
  return {
    ...rest,
    ...(real ? { lastReboot } : {}),
    monitorOnly: policy.monitorOnly,
    failing: restarted(record.failing, now, observed),
  };
}

function restarted(
  failing: NodeRecord["failing"],
  now: EpochMillis,
  observed: ObservedMillis,
): NodeRecord["failing"] {
  return Object.fromEntries(
    Object.entries(failing).map(([name, { reason }]) => [
      name,
      { since: now, sinceObserved: observed, reason },
    ]),
  );
}

/** A new Node object under a known name: it starts anew, but a VM that lives on keeps its reboot and its GPUs. */
function renewed(previous: NodeRecord, node: JudgedNode, policy: RepairPolicy, now: EpochMillis): NodeRecord {
  const { providerId, lastReboot, lastIncident } = previous;
  const sameVm = providerId !== undefined && providerId === node.providerId;
  return {
    ...freshRecord(node, policy, now),
    ...defined({ lastReboot, lastIncident: sameVm ? lastIncident : undefined }),
    gpuNode: sameVm && previous.gpuNode,
  };
}
