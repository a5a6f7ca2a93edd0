import { CHECKER_NAMES, type CheckerName } from "./check.ts";
import { ranOf } from "./checker-clocks.ts";
import { defined } from "./defined.ts";
import { isRelapse } from "./incident.ts";
import type { RepairPolicy } from "./policy.ts";
import type { NodeRecord, ObservedMillis } from "./record.ts";
import type { EpochMillis, Millis } from "./time.ts";

/** Observed time until the first threshold passes; 0 when one has passed; undefined when no failing checker asks for a reboot. */
export function dueIn(
  record: NodeRecord,
  policy: RepairPolicy,
  observed: ObservedMillis,
): Millis | undefined {
  return firstDue(record, policy, observed)?.in;
}

/** The failing checkers that ask for a repair, whether their threshold has passed or not. */
export function askingCheckers(record: NodeRecord, policy: RepairPolicy): CheckerName[] {
  return CHECKER_NAMES.filter((checker) => {
    const { enabled, action } = policy.checkers[checker];
    return record.failing[checker] !== undefined && enabled && action === "Reboot";
  });
}

/** The checkers that ask for a repair, and the one that it is counted for: its threshold passes first. */
export function askingOf(
  record: NodeRecord,
  policy: RepairPolicy,
  observed: ObservedMillis,
): { readonly checkers: readonly CheckerName[]; readonly checker?: CheckerName } {
  const checker = firstDue(record, policy, observed)?.checker;
  return { checkers: askingCheckers(record, policy), ...defined({ checker }) };
}

/** The checker whose threshold passes first, and the observed time until then. */
export function firstDue(
  record: NodeRecord,
  policy: RepairPolicy,
  observed: ObservedMillis,
): { readonly checker: CheckerName; readonly in: Millis } | undefined {
  let first: { checker: CheckerName; in: Millis } | undefined;
  for (const checker of CHECKER_NAMES) {
    const clock = record.failing[checker];
    const rule = policy.checkers[checker];
    if (clock === undefined || !rule.enabled || rule.action !== "Reboot") continue;
    const left = Math.max(0, rule.threshold - ranOf(clock, observed));
    if (first === undefined || left < first.in) first = { checker, in: left };
  }
  return first;
}

/**
 * The reboots of this incident are used up. The last of them has the whole of its wait, also when the node relapses
 * while it boots, and a relapse is given up when another reboot would be due and not at its first failing check; only a
 * node that was given up before stays so.
 */
export function isGivenUp(
  record: NodeRecord,
  policy: RepairPolicy,
  now: EpochMillis,
  observed: ObservedMillis,
): boolean {
  if ((record.incident?.attempts ?? 0) < policy.maxAttempts) return false;
  if (record.phase === "Failed") return true;
  if (isWaiting(record, now)) return false;
  return !isRelapse(record) || dueIn(record, policy, observed) === 0;
}

/** The wait after the latest reboot, or the pause after a call that was not made, still runs. */
export function isWaiting(record: NodeRecord, now: EpochMillis): boolean {
  return (record.lastReboot?.waitUntil ?? 0) > now;
}

/** How long this node is left alone after a reboot: 40 minutes once it was ever seen with GPUs, else 10. */
export function rebootWaitOf(record: Pick<NodeRecord, "gpuNode">, policy: RepairPolicy): Millis {
  return record.gpuNode ? policy.rebootWait.gpu : policy.rebootWait.standard;
}
