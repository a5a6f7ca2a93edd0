/**
 * The state machine of one node.
 *
 * Unknown        Never judged, or never Ready and its start-up grace still runs. Left by the first judgement; entered
 *                again only when a changed policy prolongs the grace of a node that was never Ready.
 * Healthy        Every checker passes (or has nothing to say). Entered from any phase the moment that is so: the
 *                incident is closed. What stays is the latest reboot with its wait window, because a node that flaps must
 *                not be rebooted twice within it (I1), what its clocks still hold while they drain, and the incident if
 *                it made a repair, until the node has been well for `storm.curedAfter`.
 * Unhealthy      A checker fails. Each checker has a clock of its own, which fills while it fails and drains at the same
 *                speed while it passes (`checker-clocks.ts`); Unknown <-> False of one condition is one failure. Clocks
 *                count observed time only. A failure inside the wait window of the latest reboot, or before its node was
 *                well for `storm.curedAfter`, is a relapse: the incident goes on with its attempts, so that a node that
 *                comes up and falls over again is not rebooted for ever. A reboot is due when the first clock of a failing
 *                checker whose action is Reboot reaches its threshold, but not inside a wait window. Left to Healthy by recovery, to WaitingReboot by an intent to reboot, to Failed when the
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
import { CHECKER_NAMES } from "./check.ts";
import { carryOver } from "./carry-over.ts";
import { clocksAfter, type CheckerClocks } from "./checker-clocks.ts";
import { defined } from "./defined.ts";
import { dueIn, isGivenUp, isWaiting } from "./due.ts";
import type { NodeEvent, Transition } from "./events.ts";
import { withFlaps } from "./flaps.ts";
import {
  closed,
  enter,
  forgotten,
  lastIncidentAfter,
  newIncident,
  relapse,
  type Moment,
} from "./incident.ts";
import type { Phase } from "./phase.ts";
import type { RepairPolicy } from "./policy.ts";
import { finished, intended, recovered, verified } from "./reboot-events.ts";
import { withField, type NodeRecord, type ObservedMillis } from "./record.ts";
import type { EpochMillis } from "./time.ts";
import { retried } from "./retry.ts";
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
      const carried = carryOver(record, event.node, policy, now, event.observed);
      return judged(carried, event, policy, now, isRepairPending(record, policy, event.observed));
    }
    case "RebootIntended":
      return { record: intended(required(record, event.type), event, now), actions: [] };
    case "RebootFinished":
      return { record: finished(required(record, event.type), event, now), actions: [] };
    case "RebootRecovered":
      return { record: recovered(required(record, event.type), event, now), actions: [] };
    case "RebootVerified":
      return { record: verified(required(record, event.type), event, now), actions: [] };
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
  wasPending: boolean,
): Transition {
  const { evaluation, observed } = event;
  const moment = { now, observed };
  const { curedAfter } = policy.storm;
  const remembered = retried(remember(record, event, now), event.node.retryAt);
  const known = withFlaps(remembered, evaluation.judgements, policy.flapping, now);
  if (evaluation.verdict === "Undecided")
    return settle(enter(forgotten(known), "Unknown", now), wasPending, now);
  const clocks = clocksAround(record, known, event, policy, now);
  const draining = withField(known, "draining", clocks.draining);
  if (evaluation.verdict === "Pass") {
    const { lastIncident } = lastIncidentAfter(known, curedAfter, moment);
    const well = withField(closed(draining), "lastIncident", lastIncident);
    return settle(enter(well, "Healthy", now), wasPending, now);
  }
  const incident = known.incident ?? relapse(known, curedAfter, moment) ?? newIncident(known, now);
  const sick = { ...withField(draining, "lastIncident", undefined), failing: clocks.failing, incident };
  const next = enter(sick, sickPhase(sick, policy, moment), now);
  return { record: next, actions: repairActions(next, policy, { now, observed }, wasPending) };
}

/**
 * The clocks after this judgement. What a node fails while planned work holds its repair is no evidence: nothing drains,
 * and when the work ends the node has its whole threshold to come up.
 */
function clocksAround(
  before: NodeRecord,
  known: NodeRecord,
  { evaluation, observed }: Extract<NodeEvent, { type: "Judged" }>,
  { plannedWork }: RepairPolicy,
  now: EpochMillis,
): CheckerClocks {
  const wasHeld = isHeldByWork(before.marks, plannedWork, now);
  const isHeld = isHeldByWork(known.marks, plannedWork, now);
  const ended = wasHeld && !isHeld;
  const clocks = clocksAfter(ended ? forgotten(known) : known, evaluation.judgements, now, observed);
  return wasHeld || isHeld ? { failing: clocks.failing } : clocks;
}

function sickPhase(record: NodeRecord, policy: RepairPolicy, { now, observed }: Moment): Phase {
  if (record.phase === "WaitingReboot" && isWaiting(record, now)) return "WaitingReboot";
  // More attempts allowed by a changed policy bring a given-up node back.
  return isGivenUp(record, policy, now, observed) ? "Failed" : "Unhealthy";
}

/** Facts that outlive phases: identity, sticky GPU, the last boot seen. */
function remember(
  record: NodeRecord,
  event: Extract<NodeEvent, { type: "Judged" }>,
  now: EpochMillis,
): NodeRecord {
  const { node, evaluation } = event;
  const { pool, marks, providerId, bootId } = node;
  const { pool: _pool, marks: _marks, ...rest } = record;
  const rebooted = record.bootId !== undefined && bootId !== undefined && record.bootId !== bootId;
  // Pool and marks stand first so that judging again yields the same bytes, which is how a caller sees that nothing changed.
  const known: NodeRecord = {
    ...defined({ pool, marks }),
    ...rest,
    ...defined({ providerId, bootId }),
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

/** The record before this judgement asks for a repair: there may be a pending reboot. */
function isRepairPending(
  record: NodeRecord | undefined,
  policy: RepairPolicy,
  observed: ObservedMillis,
): boolean {
  if (record?.incident === undefined || record.phase === "Failed") return false;
  return dueIn(record, policy, observed) !== undefined;
}

/**
 * Nothing to repair: a pending reboot, if there was one, looks again and finishes itself. The result of the latest reboot
 * is recorded by that job, too: until then there must be one.
 */
function settle(record: NodeRecord, wasPending: boolean, now: EpochMillis): Transition {
  if (wasPending) return { record, actions: [{ type: "WakeReboot" }] };
  return { record, actions: isVerdictPending(record) ? [{ type: "EnsureReboot", at: now }] : [] };
}

/**
 * There is a pending reboot while a checker asks for one. It looks again when a failure begins, since another checker may
 * be due earlier than the one it sleeps for; whatever else makes it due earlier, the plan of the fleet notices.
 */
function repairActions(
  record: NodeRecord,
  policy: RepairPolicy,
  { now, observed }: Moment,
  wasPending: boolean,
): Transition["actions"] {
  const due = record.phase === "Failed" ? undefined : dueIn(record, policy, observed);
  if (due === undefined) return settle(record, wasPending, now).actions;
  const at = Math.max(now + due, record.lastReboot?.waitUntil ?? 0);
  const begins = CHECKER_NAMES.some((checker) => record.failing[checker]?.since === now);
  return begins ? [{ type: "EnsureReboot", at }, { type: "WakeReboot" }] : [{ type: "EnsureReboot", at }];
}
