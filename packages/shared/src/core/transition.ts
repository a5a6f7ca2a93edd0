/**
 * The state machine of one node.
 *
 * Unknown        Never judged, or never Ready and its start-up grace still runs. Left by the first judgement; entered
 *                again only when a changed policy prolongs the grace of a node that was never Ready.
 * Healthy        Every checker passes (or has nothing to say). Entered from any phase the moment that is so: the
 *                incident is over, its clocks and attempts are gone. What stays is the latest reboot with its wait
 *                window, because a node that flaps must not be rebooted twice within it (I1).
 * Unhealthy      A checker fails. Each failing checker has a clock of its own, which starts at its first failure and
 *                stops when it passes; Unknown <-> False of one condition is one failure. Clocks count observed time
 *                only. A relapse inside the wait window of the latest reboot goes on counting its attempts, so that a
 *                node that comes up and falls over again is not rebooted for ever. A reboot is due at the earliest
 *                `clock start + threshold` over the failing checkers whose action is Reboot, but not inside a wait
 *                window. Left to Healthy by recovery, to WaitingReboot by an intent to reboot, to Failed when the
 *                attempts are used up.
 * WaitingReboot  An intent was written: the call happened, may have happened, or (monitor-only) would have happened.
 *                Left to Healthy by recovery, at any time; to Unhealthy when the call surely never happened, or when
 *                the wait is over and the node still fails (its clocks kept running, so the next attempt is due at
 *                once); to Failed when the wait is over and the attempts are used up.
 * Failed         Attempts are used up and the wait after the last of them is over. Nothing is called any more; recovery
 *                ends it, or a human who allows more attempts or changes the mode.
 *
 * Another uid under the same name is another node: everything starts anew, except what belongs to a VM that stays the
 * same: its latest reboot with the wait window, and that it has GPUs (the Node object of a living VM can be deleted and
 * registered again, at first without its provider id). A change of mode restarts the clocks and the count of attempts
 * and forgets simulated reboots: only what was decided in active mode may lead to a call.
 *
 * The function is pure: `now` and the observation clock are arguments, actions are data, and running it twice on the
 * same event gives the same record.
 */
import type { CheckerName } from "./check.ts";
import { carryOver } from "./carry-over.ts";
import { dueIn, isGivenUp, isWaiting } from "./due.ts";
import type { Judgement } from "./evaluation.ts";
import type { NodeEvent, Transition } from "./events.ts";
import { closed, enter, newIncident } from "./incident.ts";
import type { Phase } from "./phase.ts";
import type { RepairPolicy } from "./policy.ts";
import { finished, intended, verified } from "./reboot-events.ts";
import type { FailingCheck, NodeRecord, ObservedMillis } from "./record.ts";
import type { EpochMillis } from "./time.ts";
import { withSkips } from "./skips.ts";
import { isVerdictPending } from "./verification.ts";
import { isHeldByWork } from "./work-on-node.ts";

/** Applies an event to a record (undefined: a node never seen). Throws only on an event that needs a record without one. */
export function transition(
  record: NodeRecord | undefined,
  event: NodeEvent,
  policy: RepairPolicy,
  now: EpochMillis,
): Transition {
  switch (event.type) {
    case "Judged": {
      const known = carryOver(record, event.node, policy, now, event.observed);
      return judged(known, event, policy, now, record?.scheduledAt !== undefined);
    }
    case "RebootIntended":
      return intended(required(record, event.type), event, now);
    case "RebootFinished":
      return finished(required(record, event.type), event, now);
    case "RebootVerified":
      return verified(required(record, event.type), event);
    default:
      return event satisfies never;
  }
}

function required(record: NodeRecord | undefined, event: string): NodeRecord {
  if (record === undefined) throw new TypeError(`${event} needs a record, and there is none`);
  return record;
}

function judged(
  record: NodeRecord,
  event: Extract<NodeEvent, { type: "Judged" }>,
  policy: RepairPolicy,
  now: EpochMillis,
  hadTimer: boolean,
): Transition {
  const { evaluation, observed } = event;
  const known = remember(record, event, now);
  if (evaluation.verdict === "Undecided") return settle(enter(closed(known), "Unknown", now), hadTimer, now);
  if (evaluation.verdict === "Pass") return settle(enter(closed(known), "Healthy", now), hadTimer, now);

  // A node that comes back from planned work has its whole threshold to come up.
  const workEnded =
    isHeldByWork(record.marks, policy.plannedWork, now) &&
    !isHeldByWork(known.marks, policy.plannedWork, now);
  const failing = clocks(workEnded ? {} : known.failing, evaluation.judgements, now, observed);
  const incident = known.incident ?? newIncident(known, now);
  const sick: NodeRecord = { ...known, failing, incident };
  const next = enter(sick, sickPhase(sick, policy, now), now);
  return schedule(next, policy, now, observed, hadTimer);
}

function sickPhase(record: NodeRecord, policy: RepairPolicy, now: EpochMillis): Phase {
  if (record.phase === "WaitingReboot" && isWaiting(record, now)) return "WaitingReboot";
  // More attempts allowed by a changed policy bring a given-up node back.
  return isGivenUp(record, policy, now) ? "Failed" : "Unhealthy";
}

/** Facts that outlive phases: identity, sticky GPU, the last boot seen. */
function remember(
  record: NodeRecord,
  event: Extract<NodeEvent, { type: "Judged" }>,
  now: EpochMillis,
): NodeRecord {
  const { node, evaluation } = event;
  const { pool: _pool, marks: _marks, ...rest } = record;
  const rebooted = record.bootId !== undefined && node.bootId !== undefined && record.bootId !== node.bootId;
  // Pool and marks stand first so that judging again yields the same bytes, which is how a caller sees that nothing changed.
  const known: NodeRecord = {
    ...(node.pool === undefined ? {} : { pool: node.pool }),
    ...(node.marks === undefined ? {} : { marks: node.marks }),
    ...rest,
    ...(node.providerId === undefined ? {} : { providerId: node.providerId }),
    ...(node.bootId === undefined ? {} : { bootId: node.bootId }),
    ...(rebooted ? { bootSeenAt: now } : {}),
    ...(rebooted && !isOurBoot(record) ? { foreignBootAt: now } : {}),
    everReady: record.everReady || evaluation.ready,
    gpuNode: record.gpuNode || evaluation.gpuNode,
    gpuHighWater: evaluation.gpuForgotten ? 0 : Math.max(record.gpuHighWater, evaluation.gpuUnits),
    ...(Object.keys(evaluation.gpu).length === 0 && record.gpu === undefined ? {} : { gpu: evaluation.gpu }),
  };
  return withSkips(known, evaluation.judgements, now);
}

/**
 * The first boot after an intent is its doing, until it is told what became of it; every other one is somebody else's
 * reboot. Seen late, because nobody could see the cluster meanwhile, it is still ours.
 */
function isOurBoot(record: NodeRecord): boolean {
  return isVerdictPending(record) && record.bootId === record.lastReboot?.bootIdBefore;
}

/**
 * A clock per failing checker: kept while it fails, dropped when it passes or can no longer be judged (after a driver
 * upgrade the GPU threshold starts anew), restarted if the observation clock was reset under it.
 */
function clocks(
  before: NodeRecord["failing"],
  judgements: readonly Judgement[],
  now: EpochMillis,
  observed: ObservedMillis,
): NodeRecord["failing"] {
  const next: Partial<Record<CheckerName, FailingCheck>> = {};
  for (const { checker, verdict, reason } of judgements) {
    const clock = before[checker];
    if (verdict !== "Fail") continue;
    const running = clock !== undefined && clock.sinceObserved <= observed;
    next[checker] = running ? { ...clock, reason } : { since: now, sinceObserved: observed, reason };
  }
  return next;
}

/**
 * Nothing to repair: a pending reboot, if there was one, looks again and finishes itself. What the latest reboot came to
 * is told by that job, too: until then there must be one.
 */
function settle(record: NodeRecord, hadTimer: boolean, now: EpochMillis): Transition {
  if (hadTimer) return { record, actions: [{ type: "WakeReboot" }] };
  return { record, actions: isVerdictPending(record) ? [{ type: "EnsureReboot", at: now }] : [] };
}

function schedule(
  record: NodeRecord,
  policy: RepairPolicy,
  now: EpochMillis,
  observed: ObservedMillis,
  hadTimer: boolean,
): Transition {
  const due = record.phase === "Failed" ? undefined : dueIn(record, policy, observed);
  if (due === undefined) return settle(unscheduled(record), hadTimer, now);
  const at = Math.max(now + due, record.lastReboot?.waitUntil ?? 0);
  if (keepsTime(record.scheduledAt, at, now)) {
    return { record, actions: [{ type: "EnsureReboot", at: record.scheduledAt }] };
  }
  return { record: { ...record, scheduledAt: at }, actions: [{ type: "MoveReboot", at }] };
}

/**
 * Without a known schedule a timer may be left of an earlier incident or uid, set too late for this one; and a timer
 * that has run may have gone to sleep until a checker that was due later. One that is due keeps whatever pause holds it.
 */
function keepsTime(
  scheduledAt: EpochMillis | undefined,
  at: EpochMillis,
  now: EpochMillis,
): scheduledAt is EpochMillis {
  if (scheduledAt === undefined || at < scheduledAt) return false;
  return scheduledAt > now || at <= now;
}

function unscheduled(record: NodeRecord): NodeRecord {
  const { scheduledAt: _scheduledAt, ...rest } = record;
  return rest;
}
