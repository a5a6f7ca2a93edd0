import { LOG_EVENTS } from "@node-agent/shared/contract/log-events.ts";
import { CHECKER_NAMES } from "@node-agent/shared/core/check.ts";
import { flapped } from "@node-agent/shared/core/flaps.ts";
import { noticesOf } from "@node-agent/shared/core/notices/list.ts";
import type { Phase } from "@node-agent/shared/core/phase.ts";
import type { NodeRecord } from "@node-agent/shared/core/record.ts";
import { SECOND, type Millis } from "@node-agent/shared/core/time.ts";
import type { Logger } from "@node-agent/shared/runtime/logger.ts";
import type { Metrics, NodeRef } from "@node-agent/shared/runtime/metrics/metrics.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import type { JudgedChange, Journal } from "./journal.ts";

/** What a journal writes to. */
export interface LogJournalDeps {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

/** The journal of a worker: one log line per step of an incident, one count per thing that metrics tell. */
export function createLogJournal(deps: LogJournalDeps): Journal {
  const { logger, metrics, clock } = deps;
  return {
    judged: (change) => {
      countJudgement(change, deps);
      logPhase(change, deps);
      logNotices(change, deps);
    },
    held: (node, step, record) => {
      const { gate, why } = step;
      const of = refOf(node, record);
      if (step.step === "Finish") {
        logger.info({ event: LOG_EVENTS.rebootEnded, ...of, gate, why }, "pending reboot ended");
        return;
      }
      metrics.observeRebootBlocked(of, gate);
      const ends =
        step.at === undefined
          ? {}
          : { until: new Date(step.at).toISOString(), inSeconds: seconds(step.at - clock.now()) };
      logger.info({ event: LOG_EVENTS.rebootHeld, ...of, gate, why, ...ends }, "pending reboot waits");
    },
    requested: (record, { instanceId, hostname }, grant) => {
      const of = refOf(record.name, record);
      metrics.observeRecoveryAction(of, "Reboot");
      logger.warn(
        {
          event: LOG_EVENTS.rebootRequested,
          ...of,
          instanceId,
          hostname,
          attempt: record.lastReboot?.number,
          mode: record.monitorOnly ? "monitor" : "active",
          failing: failingOf(record),
          incident: record.incident?.id,
          ...(grant === undefined ? {} : { grant: grant.id }),
        },
        record.monitorOnly ? "would request a reboot (monitor-only)" : "requesting a reboot",
      );
    },
    answered: (record, { outcome, detail }) => {
      const of = refOf(record.name, record);
      metrics.observeReboot(of, outcome);
      const failed = outcome !== "Accepted" && outcome !== "Simulated";
      if (failed) metrics.observeRecoveryFailure(of, "Reboot");
      const until = record.lastReboot?.waitUntil ?? clock.now();
      logger[failed ? "error" : "info"](
        {
          event: LOG_EVENTS.rebootAnswered,
          ...of,
          outcome,
          detail,
          waitUntil: new Date(until).toISOString(),
          waitSeconds: seconds(until - clock.now()),
          incident: record.incident?.id,
        },
        "reboot answered",
      );
    },
    verified: (record, verification) => {
      const of = refOf(record.name, record);
      metrics.observeRebootVerified(of, verification);
      const { number: attempt, instanceId } = record.lastReboot ?? {};
      logger[verification === "Cured" ? "info" : "warn"](
        { event: LOG_EVENTS.rebootVerified, ...of, verification, attempt, instanceId },
        "reboot verified",
      );
    },
    recalled: (before, after) => {
      const of = refOf(after.name, after);
      const { instanceId, verification, outcome, waitUntil } = after.lastReboot ?? {};
      logger.warn(
        {
          event: LOG_EVENTS.rebootRecalled,
          ...of,
          instanceId,
          outcome: verification ?? outcome,
          attempts: after.incident?.attempts,
          waitUntil: new Date(waitUntil ?? 0).toISOString(),
          incident: after.incident?.id,
        },
        "the ledger knows a reboot that Redis had forgotten",
      );
      logPhase({ node: after.name, before, after, evaluation: undefined, dueIn: undefined }, deps);
    },
    fault: (reason, detail, node) => {
      metrics.observeReconcileError(reason);
      logger.error(
        { event: LOG_EVENTS.fault, reason, detail, ...(node === undefined ? {} : { node }) },
        "fault",
      );
    },
  };
}

function countJudgement(
  { node, before, after, evaluation }: JudgedChange,
  { metrics }: LogJournalDeps,
): void {
  if (evaluation === undefined || after === undefined) return;
  const of = refOf(node, after);
  const known = before?.uid === after.uid ? before : undefined;
  const flaps = known === undefined ? [] : flapped(known, evaluation.judgements);
  for (const checker of flaps) metrics.observeFlap(of, checker);
  metrics.observeEvaluation(of, evaluation.verdict);
  for (const { checker, reason } of evaluation.judgements) metrics.observeCheck(of, checker, reason);
}

function logPhase(change: JudgedChange, deps: LogJournalDeps): void {
  const { node, before, after } = change;
  const { logger, metrics } = deps;
  if (after === undefined) {
    logger.info(
      { event: LOG_EVENTS.nodeGone, ...refOf(node, before) },
      "node is gone, its record is deleted",
    );
    return;
  }
  const from = before !== undefined && before.uid === after.uid ? before.phase : "Unknown";
  if (from === after.phase) return;
  const of = refOf(node, after);
  metrics.observePhaseChange(of, from, after.phase);
  const incident = (after.incident ?? before?.incident)?.id;
  const facts = { ...of, from, to: after.phase, incident, failing: failingOf(after) };
  switch (after.phase) {
    case "Unhealthy":
      logUnhealthy(facts, change.dueIn, logger);
      return;
    case "Failed":
      logger.error(
        { event: LOG_EVENTS.nodeFailed, ...facts, attempts: after.incident?.attempts },
        "node is given up: its attempts are used up",
      );
      return;
    case "Healthy":
      logRecovery(change, facts, deps);
      return;
    case "Unknown":
    case "WaitingReboot":
      logger.debug(facts, "phase changed");
      return;
    default:
      after.phase satisfies never;
  }
}

function logNotices(change: JudgedChange, { logger, metrics, clock }: LogJournalDeps): void {
  for (const { reason, type, message } of noticesOf(change.before, change.after, clock.now())) {
    const of = refOf(change.node, change.after);
    metrics.observeNotice(of, reason);
    logger[type === "Warning" ? "warn" : "info"](
      { event: LOG_EVENTS.notice, ...of, reason, detail: message },
      "notice",
    );
  }
}

function logUnhealthy(facts: NodeRef & { from: Phase }, dueIn: Millis | undefined, logger: Logger): void {
  const dueInSeconds = dueIn === undefined ? undefined : seconds(dueIn);
  const [event, what] =
    facts.from === "WaitingReboot"
      ? [LOG_EVENTS.nodeStillFailing, "node still fails after the wait"]
      : [LOG_EVENTS.nodeUnhealthy, "node is unhealthy"];
  logger.warn({ event, ...facts, dueInSeconds }, what);
}

function logRecovery(
  { before }: JudgedChange,
  facts: NodeRef,
  { logger, metrics, clock }: LogJournalDeps,
): void {
  const incident = before?.incident;
  if (incident === undefined) {
    logger.debug(facts, "node is healthy");
    return;
  }
  const after = Math.max(0, clock.now() - incident.startedAt);
  metrics.observeRecovery(facts, after);
  logger.info(
    { event: LOG_EVENTS.nodeRecovered, ...facts, afterSeconds: seconds(after), reboots: incident.attempts },
    "node recovered",
  );
}

function refOf(node: string, record: NodeRecord | undefined): NodeRef {
  return { node, pool: record?.pool };
}

function failingOf(record: NodeRecord): string[] {
  return CHECKER_NAMES.flatMap((name) => {
    const clock = record.failing[name];
    return clock === undefined ? [] : [`${name}/${clock.reason}`];
  });
}

/** Seconds with one decimal: what a person reads in a log line. */
function seconds(span: Millis): number {
  return Math.round(span / (SECOND / 10)) / 10;
}
