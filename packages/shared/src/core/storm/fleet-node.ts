import type { HealthChecker } from "../check.ts";
import { evaluate } from "../evaluation.ts";
import { placeOf, type NodeSnapshot } from "../node.ts";
import { lookOf } from "../look.ts";
import type { NodeRecord } from "../record.ts";
import type { EpochMillis } from "../time.ts";
import { isHeldByWork, type PlannedWorkPolicy } from "../work-on-node.ts";
import type { FleetNode } from "./fleet.ts";

/** By what a node of the fleet is judged; `selected`: the configuration selects it. */
export interface FleetRules {
  readonly checkers: readonly HealthChecker[];
  readonly selected: boolean;
  readonly policy: { readonly plannedWork: PlannedWorkPolicy };
}

/**
 * A node as the storm guards see it. Its record lends the start of known failures; one nobody recorded begins now. A node
 * that the configuration leaves out (`selected` is false) is judged by nobody. One on which another controller works is
 * listed, and fails on purpose: a rolling driver upgrade is no storm.
 */
export function fleetNode(
  snapshot: NodeSnapshot,
  record: NodeRecord | undefined,
  { checkers, selected, policy }: FleetRules,
  now: EpochMillis,
): FleetNode {
  const { name, providerId } = snapshot;
  const named = { name, ...placeOf(snapshot), ...(providerId === undefined ? {} : { providerId }) };
  if (!selected) return { ...named, failing: {}, silent: false, leftOut: true };
  const { history, marks } = lookOf(snapshot, record, policy, now);
  const { judgements, verdict } = evaluate(snapshot, checkers, history);
  const planned = isHeldByWork(marks, policy.plannedWork, now);
  const failing = judgements
    .filter((one) => !planned && verdict === "Fail" && one.verdict === "Fail" && one.action === "Reboot")
    .map(({ checker }) => [checker, record?.failing[checker]?.since ?? now] as const);
  const first = Math.min(...failing.map(([, since]) => since));
  const startUnknown = record === undefined || first <= record.firstSeenAt;
  return {
    ...named,
    failing: Object.fromEntries(failing),
    silent: snapshot.conditions.some(({ type, status }) => type === "Ready" && status === "Unknown"),
    ...(failing.length > 0 && startUnknown ? { startUnknown } : {}),
  };
}
