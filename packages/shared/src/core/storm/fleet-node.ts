import type { HealthChecker } from "../check.ts";
import { evaluate } from "../evaluation.ts";
import { placeOf, type NodeSnapshot } from "../node.ts";
import { historyOf, type NodeRecord } from "../record.ts";
import type { EpochMillis } from "../time.ts";
import type { FleetNode } from "./fleet.ts";

/**
 * A node as the storm guards see it. Its record lends the start of known failures; one nobody recorded begins now. A node
 * that the configuration leaves out (`selected` is false) is judged by nobody.
 */
export function fleetNode(
  snapshot: NodeSnapshot,
  record: NodeRecord | undefined,
  { checkers, selected }: { readonly checkers: readonly HealthChecker[]; readonly selected: boolean },
  now: EpochMillis,
): FleetNode {
  const { name, providerId } = snapshot;
  const named = { name, ...placeOf(snapshot), ...(providerId === undefined ? {} : { providerId }) };
  if (!selected) return { ...named, failing: {}, silent: false, leftOut: true };
  const { judgements, verdict } = evaluate(snapshot, checkers, historyOf(record, snapshot.uid, now));
  const failing = judgements
    .filter((one) => verdict === "Fail" && one.verdict === "Fail" && one.action === "Reboot")
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
