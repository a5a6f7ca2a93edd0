import { conditionOf } from "../checkers/conditions.ts";
import { defined } from "../defined.ts";
import { evaluate } from "../evaluation.ts";
import { foreignHold } from "../foreign-hold.ts";
import type { Rules } from "../judge.ts";
import { lookOf } from "../look.ts";
import { placeOf, type NodeSnapshot } from "../node.ts";
import { isMarked, OPT_OUT_ANNOTATION, pausesOf } from "../pause.ts";
import type { NodeRecord } from "../record.ts";
import type { EpochMillis } from "../time.ts";
import { isHeldByWork } from "../work-on-node.ts";
import type { CountedNode, FleetNode } from "./fleet.ts";

/** What is counted of a node that the configuration selects. */
export function countedNode(snapshot: NodeSnapshot): CountedNode {
  const { name, providerId } = snapshot;
  const silent = conditionOf(snapshot, "Ready")?.status === "Unknown";
  return { name, ...placeOf(snapshot), silent, ...defined({ providerId }) };
}

/**
 * A node as the breaker sees it. Its record lends the start of known failures; one that no record has begins now. A node
 * that the configuration leaves out (`selected` is false) is not judged.
 */
export function fleetNode(
  snapshot: NodeSnapshot,
  record: NodeRecord | undefined,
  { checkers, policy, selected }: Rules & { readonly selected: boolean },
  now: EpochMillis,
): FleetNode {
  const { name } = snapshot;
  const named = countedNode(snapshot);
  if (!selected) return { ...named, failing: {}, leftOut: true };
  const { history, marks } = lookOf(snapshot, record, policy, now);
  const { judgements, verdict } = evaluate(snapshot, checkers, history);
  const failing = judgements
    .filter((one) => verdict === "Fail" && one.verdict === "Fail" && one.action === "Reboot")
    .map(({ checker }) => [checker, record?.failing[checker]?.since ?? now] as const);
  if (failing.length === 0) return { ...named, failing: {} };
  const excused =
    record?.phase === "Failed" ||
    isMarked(snapshot, OPT_OUT_ANNOTATION) ||
    // A failing node under a rolling upgrade fails on purpose.
    isHeldByWork(marks, policy.plannedWork, now) ||
    foreignHold(snapshot, marks, policy, now) !== undefined ||
    pausesOf({ name, pool: named.pool, snapshot }, policy.paused, undefined).length > 0;
  return {
    ...named,
    failing: Object.fromEntries(failing),
    ...defined({ since: record?.incident?.startedAt }),
    ...(excused ? { excused } : {}),
  };
}
