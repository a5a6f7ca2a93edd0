/**
 * Why is this node not being rebooted, and when may it be? Assembled from what was read, by the same judgement and the
 * same list of gates that the reboot itself passes; pure, so that a command, a page and a test get the same answer.
 */
import { CHECKER_NAMES, type CheckerName, type RepairAction } from "./check.ts";
import { behindAnswer, type BehindAnswer } from "./explain-behind.ts";
import { ranOf } from "./checker-clocks.ts";
import { defined } from "./defined.ts";
import { askingOf } from "./due.ts";
import { answersOf, holds, type GateAnswer } from "./explain-gates.ts";
import type { ExplainInput, NodeLook, PendingReboot } from "./explain-input.ts";
import { flapsWithin } from "./flaps.ts";
import type { GateInput } from "./gates/gate.ts";
import { ledgerView } from "./gates/ledger-view.ts";
import { wellLeft } from "./incident.ts";
import { judgedAnew } from "./judge.ts";
import { placeOf } from "./node.ts";
import { pausesOf } from "./pause.ts";
import type { Phase } from "./phase.ts";
import type { NodeRecord, RebootAttempt } from "./record.ts";
import { breakerOf } from "./storm/breaker.ts";
import { Limits, UNCOUNTED, type LimitSubject } from "./storm/limits.ts";
import type { EpochMillis, Millis } from "./time.ts";

/** A checker that fails, and how far its clock has run. */
export interface FailingAnswer {
  readonly checker: CheckerName;
  readonly reason: string;
  readonly since: EpochMillis;
  /** Observed time of failing, which is what the threshold is held against; what is left of earlier failures counts too. */
  readonly ran: Millis;
  /** The part of `ran` that earlier failures left: the clock drains as fast as it fills while the checker passes. */
  readonly carried: Millis;
  readonly threshold: Millis;
  readonly action: RepairAction;
}

/** A checker that changed from Fail to Pass within the last hour. */
export interface FlapsAnswer {
  readonly checker: CheckerName;
  readonly count: number;
  /** From so many on the node is reported as flapping. */
  readonly threshold: number;
  /** Since when it flaps; absent: it does not. */
  readonly flappingSince?: EpochMillis;
}

/** A checker that judged this node before and skips it now: no repair follows from it until its reason ends. */
export interface SkipAnswer {
  readonly checker: CheckerName;
  readonly reason: string;
  readonly since: EpochMillis;
}

/**
 * What happens next. `None`: nothing, there is nothing to do or nobody may. `Reboot`: not before `at`, as far as is known
 * now. `LookAgain`: what holds ends only when somebody or something changes; it is asked again at `at`.
 */
export type NextAnswer =
  | { readonly step: "None" }
  | { readonly step: "Reboot"; readonly at: EpochMillis }
  | { readonly step: "LookAgain"; readonly at: EpochMillis };

/** The answer. */
export interface Explanation {
  readonly node: string;
  readonly pool?: string;
  readonly instanceId?: string;
  readonly explainedAt: EpochMillis;
  readonly mode: "monitor-only" | "active";
  readonly inCluster: NodeLook["state"];
  /** As the record has it; `Unknown` while there is none. */
  readonly phase: Phase;
  readonly phaseSince?: EpochMillis;
  readonly failing: readonly FailingAnswer[];
  /** Checkers that flapped within the last hour. */
  readonly flaps: readonly FlapsAnswer[];
  readonly skipped: readonly SkipAnswer[];
  readonly attempts: { readonly used: number; readonly allowed: number };
  readonly lastReboot?: Omit<RebootAttempt, "token">;
  /** Watched time that the node must stay healthy until its latest repairs count as a cure; absent: nothing is proven. */
  readonly curedIn?: Millis;
  readonly job?: PendingReboot;
  /** What the workers judge by contradicts the API server; absent: it does not, or was not read. */
  readonly behind?: BehindAnswer;
  /** Every gate, in the order of asking. */
  readonly gates: readonly GateAnswer[];
  /** The first gate that holds; absent: nothing does. */
  readonly blocker?: GateAnswer;
  readonly next: NextAnswer;
}

/** Explains a node. */
export function explain(input: ExplainInput): Explanation {
  const { name, rules, now, record, node, instanceId } = input;
  const job = input.job === "Missing" ? undefined : input.job;
  const { policy } = rules;
  const judged = judgedRecord(input);
  const gates = answersOf(input, gateInput(input, judged));
  const blocker = gates.find(holds);
  const pool = node.state === "Found" ? placeOf(node.snapshot).pool : judged?.pool;
  return {
    node: name,
    ...defined({ pool, instanceId }),
    explainedAt: now,
    mode: policy.monitorOnly ? "monitor-only" : "active",
    inCluster: node.state,
    phase: record?.phase ?? "Unknown",
    ...defined({ phaseSince: record?.phaseSince }),
    failing: failingOf(judged, input),
    flaps: flapsOf(judged, input),
    skipped: skipsOf(judged),
    attempts: { used: judged?.incident?.attempts ?? 0, allowed: policy.maxAttempts },
    ...defined({
      lastReboot: lastRebootOf(judged),
      curedIn: cureOf(judged, input),
      job,
      behind: behindAnswer(input),
    }),
    gates,
    ...defined({ blocker }),
    // While the view is behind, the next look of a worker settles nothing.
    next: nextOf(gates, blocker, input.behind === undefined ? job : undefined, now),
  };
}

/** The record as the next look would have it: judged again on what was read just now. */
function judgedRecord({ record, damaged, node, rules, now, observed }: ExplainInput): NodeRecord | undefined {
  if (node.state !== "Found") return record;
  return judgedAnew(node.snapshot, { record, damaged }, rules, { now, observed });
}

function gateInput(input: ExplainInput, record: NodeRecord | undefined): GateInput | undefined {
  if (record === undefined) return undefined;
  const { rules, now, observed, viewAge, viewSteady, node, selected, ledger, hosting, evidence } = input;
  const { policy } = rules;
  const snapshot = node.state === "Found" ? node.snapshot : undefined;
  const place = snapshot === undefined ? defined({ pool: record.pool }) : placeOf(snapshot);
  const read = "ledger" in ledger ? ledger.ledger : undefined;
  return {
    record,
    policy,
    now,
    observed,
    viewAge,
    pauses: pausesOf({ name: record.name, pool: place.pool, snapshot }, policy.paused, read),
    ...defined({ viewSteady, node: snapshot, selected, evidence }),
    ...worldOf(input, { ...place, ...askingOf(record, policy, observed) }),
    ...(hosting.state === "Seen" ? { hosting: hosting.hosting } : {}),
  };
}

/** The fleet and the ledger as gates see them, as far as they were read. */
function worldOf(
  { rules: { policy }, now, fleet, ledger, instanceId = "" }: ExplainInput,
  place: Omit<LimitSubject, "instanceId">,
): Pick<GateInput, "fleet" | "breaker" | "ledger"> {
  const read = "ledger" in ledger ? ledger.ledger : undefined;
  const health = fleet.state === "Seen" ? fleet.health : undefined;
  const breaker = health && breakerOf(health, policy.breaker, now, read);
  const seen = health && breaker ? { fleet: health, breaker } : {};
  if (ledger.state === "Unread") return seen;
  if (ledger.state === "Distrusted") {
    const { why, until } = ledger;
    return { ...seen, ledger: { distrust: { why, ...defined({ until }) } } };
  }
  const limits = new Limits(ledger.ledger, health ?? UNCOUNTED, policy, ledger.clocks);
  const counted = { ...ledger, limits, ...defined({ breaker }) };
  return { ...seen, ledger: ledgerView({ instanceId, ...place }, counted, now) };
}

function failingOf(record: NodeRecord | undefined, { rules, observed }: ExplainInput): FailingAnswer[] {
  return CHECKER_NAMES.flatMap((checker) => {
    const clock = record?.failing[checker];
    if (clock === undefined) return [];
    const { threshold, action } = rules.policy.checkers[checker];
    const { reason, since, carried = 0 } = clock;
    const ran = ranOf(clock, observed);
    return [{ checker, reason, since, ran, carried: Math.min(carried, ran), threshold, action }];
  });
}

/** The checkers that skip a node which they judged before, in the order of reporting. */
function skipsOf(record: NodeRecord | undefined): SkipAnswer[] {
  return CHECKER_NAMES.flatMap((checker) => {
    const skip = record?.skipped?.[checker];
    return skip === undefined ? [] : [{ checker, ...skip }];
  });
}

function flapsOf(record: NodeRecord | undefined, { rules, now }: ExplainInput): FlapsAnswer[] {
  const { threshold } = rules.policy.flapping;
  return CHECKER_NAMES.flatMap((checker): FlapsAnswer[] => {
    const known = record?.flaps?.[checker];
    const count = known === undefined ? 0 : flapsWithin(known, now);
    if (known === undefined || count === 0) return [];
    const { flappingSince } = known;
    return [{ checker, count, threshold, ...defined({ flappingSince }) }];
  });
}

function cureOf(record: NodeRecord | undefined, { rules, now, observed }: ExplainInput): Millis | undefined {
  if (record?.lastIncident === undefined) return undefined;
  return wellLeft(record, rules.policy.storm.curedAfter, { now, observed });
}

function lastRebootOf(record: NodeRecord | undefined): Omit<RebootAttempt, "token"> | undefined {
  if (record?.lastReboot === undefined) return undefined;
  const { token: _token, ...lastReboot } = record.lastReboot;
  return lastReboot;
}

function nextOf(
  gates: readonly GateAnswer[],
  blocker: GateAnswer | undefined,
  job: PendingReboot | undefined,
  now: EpochMillis,
): NextAnswer {
  if (blocker === undefined) return { step: "Reboot", at: now };
  if (blocker.until === undefined) return { step: "None" };
  const holding = gates.filter(holds);
  const ends = holding.flatMap(({ ends: ending, until }) => (ending === true ? (until ?? []) : []));
  // A gate that names no end leaves the end of the others without meaning; the next plan asks it again.
  if (ends.length === holding.length) return { step: "Reboot", at: Math.max(now, ...ends) };
  return { step: "LookAgain", at: Math.max(now, Math.min(blocker.until, job?.at ?? blocker.until)) };
}
