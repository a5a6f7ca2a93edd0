import type { HealthChecker } from "../check.ts";
import { evaluate } from "../evaluation.ts";
import { placeOf, type NodeSnapshot } from "../node.ts";
import { historyOf, type NodeRecord } from "../record.ts";
import type { EpochMillis } from "../time.ts";
import type { FleetNode } from "./fleet.ts";

/** A node as the storm guards see it. Its record lends the start of known failures; one nobody recorded begins now. */
export function fleetNode(
  snapshot: NodeSnapshot,
  record: NodeRecord | undefined,
  checkers: readonly HealthChecker[],
  now: EpochMillis,
): FleetNode {
  const { judgements, verdict } = evaluate(snapshot, checkers, historyOf(record, snapshot.uid, now));
  const failing = judgements
    .filter((one) => verdict === "Fail" && one.verdict === "Fail" && one.action === "Reboot")
    .map(({ checker }) => [checker, record?.failing[checker]?.since ?? now] as const);
  return {
    name: snapshot.name,
    ...placeOf(snapshot),
    failing: Object.fromEntries(failing),
    silent: snapshot.conditions.some(({ type, status }) => type === "Ready" && status === "Unknown"),
  };
}
