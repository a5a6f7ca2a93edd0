import type { HealthChecker } from "@node-agent/shared/core/check.ts";
import { recordAfterDamage } from "@node-agent/shared/core/damaged.ts";
import { evaluate, type Evaluation } from "@node-agent/shared/core/evaluation.ts";
import type { JudgedNode, NodeAction } from "@node-agent/shared/core/events.ts";
import { poolOf, type NodeSnapshot } from "@node-agent/shared/core/node.ts";
import type { RepairPolicy } from "@node-agent/shared/core/policy.ts";
import { historyOf, type NodeRecord } from "@node-agent/shared/core/record.ts";
import { transition } from "@node-agent/shared/core/transition.ts";
import type { ClusterView } from "@node-agent/shared/ports/snapshot-store.ts";

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
  readonly evaluation: Evaluation;
  readonly actions: readonly NodeAction[];
}

/** Judges a snapshot against what is stored of the node: checkers, then the state machine. Pure. */
export function judge(snapshot: NodeSnapshot, stored: StoredState, rules: Rules, view: ClusterView): Judged {
  const node = judgedNode(snapshot);
  const { policy, checkers } = rules;
  const before = stored.damaged ? recordAfterDamage(node, policy, view.now) : stored.record;
  const evaluation = evaluate(snapshot, checkers, historyOf(before, snapshot.uid, view.now));
  const event = { type: "Judged", node, evaluation, observed: view.observed } as const;
  const { record: after, actions } = transition(before, event, policy, view.now);
  const changed = stored.damaged || before === undefined || JSON.stringify(before) !== JSON.stringify(after);
  return { before: stored.record, after, changed, evaluation, actions };
}

function judgedNode(snapshot: NodeSnapshot): JudgedNode {
  const pool = poolOf(snapshot);
  return {
    name: snapshot.name,
    uid: snapshot.uid,
    ...(pool === undefined ? {} : { pool }),
    ...(snapshot.providerId === undefined ? {} : { providerId: snapshot.providerId }),
    ...(snapshot.bootId === undefined ? {} : { bootId: snapshot.bootId }),
  };
}
