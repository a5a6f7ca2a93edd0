import type { HealthChecker } from "./check.ts";
import { recordAfterDamage } from "./damaged.ts";
import { defined } from "./defined.ts";
import { evaluate, isStartingUp, type Evaluation } from "./evaluation.ts";
import type { JudgedNode, NodeAction } from "./events.ts";
import { poolOf, type NodeSnapshot } from "./node.ts";
import type { RepairPolicy } from "./policy.ts";
import { withHolds } from "./holds.ts";
import type { Moment } from "./incident.ts";
import { lookOf } from "./look.ts";
import type { NodeRecord } from "./record.ts";
import type { EpochMillis } from "./time.ts";
import { retryOrderedAt } from "./retry.ts";
import { transition } from "./transition.ts";
import { willBeOverdue } from "./work-on-node.ts";

/** The rules of this process: what is checked and what follows. */
export interface Rules {
  readonly checkers: readonly HealthChecker[];
  readonly policy: RepairPolicy;
}

/** What is stored of a node: its record, or the fact that the bytes of one could not be read. */
export interface StoredState {
  readonly record: NodeRecord | undefined;
  readonly damaged: boolean;
}

/** The outcome of one judgement. */
export interface Judged {
  readonly before: NodeRecord | undefined;
  readonly after: NodeRecord;
  readonly changed: boolean;
  /** Time alone will change the judgement, whatever the record says: the node must be judged again. */
  readonly timed: boolean;
  readonly evaluation: Evaluation;
  readonly actions: readonly NodeAction[];
}

/** Judges a snapshot against what is stored of the node: checkers, then the state machine. Pure. */
export function judge(snapshot: NodeSnapshot, stored: StoredState, rules: Rules, view: Moment): Judged {
  const { policy, checkers } = rules;
  const known = judgedNode(snapshot, view.now);
  const before = stored.damaged ? recordAfterDamage(known, policy, view.now) : stored.record;
  const { history, marks } = lookOf(snapshot, before, policy, view.now);
  const node = marks === undefined ? known : { ...known, marks };
  const evaluation = evaluate(snapshot, checkers, history);
  const event = { type: "Judged", node, evaluation, observed: view.observed } as const;
  const { record, actions } = transition(before, event, policy, view.now);
  const after = withHolds(record, snapshot, policy, view.now);
  const changed = stored.damaged || before === undefined || JSON.stringify(before) !== JSON.stringify(after);
  const timed = isStartingUp(evaluation) || willBeOverdue(marks, policy.plannedWork, view.now);
  return { before: stored.record, after, changed, timed, evaluation, actions };
}

/**
 * The record as the next judgement would have it. One that was judged in the other mode is left alone, because a judgement
 * of ours would restart its clocks.
 */
export function judgedAnew(
  snapshot: NodeSnapshot,
  stored: StoredState,
  rules: Rules,
  view: Moment,
): NodeRecord {
  const { record } = stored;
  if (record !== undefined && record.monitorOnly !== rules.policy.monitorOnly) return record;
  return judge(snapshot, stored, rules, view).after;
}

function judgedNode(snapshot: NodeSnapshot, now: EpochMillis): JudgedNode {
  const { name, uid, providerId, bootId } = snapshot;
  const pool = poolOf(snapshot);
  const retryAt = retryOrderedAt(snapshot, now);
  return { name, uid, ...defined({ pool, providerId, bootId, retryAt }) };
}
