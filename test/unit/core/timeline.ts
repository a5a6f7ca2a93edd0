import { CHECKER_NAMES, type CheckerName, type CheckVerdict } from "@node-agent/shared/core/check.ts";
import type { Evaluation } from "@node-agent/shared/core/evaluation.ts";
import type { JudgedNode, NodeAction, NodeEvent } from "@node-agent/shared/core/events.ts";
import { type GateInput } from "@node-agent/shared/core/gates/gate.ts";
import { gateVerdicts, nextStep, type RebootStep } from "@node-agent/shared/core/gates/list.ts";
import { DEFAULT_POLICY, type RepairPolicy } from "@node-agent/shared/core/policy.ts";
import type { NodeRecord, RebootOutcome, RebootVerification } from "@node-agent/shared/core/record.ts";
import { rebootWaitOf } from "@node-agent/shared/core/due.ts";
import { DAY, HOUR, type EpochMillis, type Millis } from "@node-agent/shared/core/time.ts";
import { transition } from "@node-agent/shared/core/transition.ts";

/** The default policy in active mode: tests of reboots read better without the word simulated. */
export const ACTIVE: RepairPolicy = { ...DEFAULT_POLICY, monitorOnly: false };

/** Verdicts of the checkers that do not pass, with an optional reason after a colon: `{ NodeReady: "Fail:Unknown" }`. */
export type Verdicts = Partial<Record<CheckerName, CheckVerdict | `${CheckVerdict}:${string}`>>;

/** What an evaluation says besides verdicts. */
export type Facts = Partial<Pick<Evaluation, "ready" | "gpuNode" | "gpuUnits" | "gpuForgotten" | "gpu">> & {
  undecided?: boolean;
};

/** An evaluation as the checkers would give it: checkers not named pass. */
export function anEvaluation(verdicts: Verdicts, facts: Facts = {}, policy = ACTIVE): Evaluation {
  const judgements = CHECKER_NAMES.filter((name) => policy.checkers[name].enabled).map((checker) => {
    const [verdict, reason] = (verdicts[checker] ?? "Pass").split(":") as [CheckVerdict, string?];
    const { threshold, action } = policy.checkers[checker];
    return { checker, verdict, reason: reason ?? `${checker}${verdict}`, threshold, action };
  });
  const { undecided = false, ...rest } = facts;
  const fails = judgements.some(({ verdict }) => verdict === "Fail");
  const decided = fails ? "Fail" : "Pass";
  return {
    verdict: undecided ? "Undecided" : decided,
    judgements,
    ready: !judgements.some(({ checker, verdict }) => checker === "NodeReady" && verdict === "Fail"),
    gpuNode: false,
    gpuUnits: 0,
    gpuForgotten: false,
    gpu: {},
    ...rest,
  };
}

/** Noon of a day in 2026: a wall clock far from zero finds mistakes that small numbers hide. */
export const NOON: EpochMillis = Date.UTC(2026, 10, 23, 12);

/** The life of one node, told step by step: wall clock and observation clock under the test's hand. */
export class Timeline {
  now: EpochMillis = NOON;
  observed: Millis = HOUR;
  viewAge: Millis | undefined = 0;
  viewSteady: Millis = DAY;
  policy: RepairPolicy;
  /** What was read of the world beside the record. */
  read: Pick<
    GateInput,
    "pauses" | "node" | "selected" | "fleet" | "breaker" | "ledger" | "hosting" | "evidence"
  > = {};
  node: JudgedNode = { name: "node-1", uid: "uid-1", providerId: "civo://vm-a", bootId: "boot-1" };
  /** Actions of the latest event. */
  actions: readonly NodeAction[] = [];
  #record: NodeRecord | undefined;
  #tokens = 0;

  constructor(policy: Partial<RepairPolicy> = {}) {
    this.policy = { ...ACTIVE, ...policy };
  }

  get record(): NodeRecord {
    if (this.#record === undefined) throw new Error("the node has no record yet");
    return this.#record;
  }

  set record(record: NodeRecord) {
    this.#record = record;
  }

  apply(event: NodeEvent): NodeRecord {
    const { record, actions } = transition(this.#record, event, this.policy, this.now);
    this.#record = record;
    this.actions = actions;
    return record;
  }

  judge(verdicts: Verdicts = {}, facts: Facts = {}): NodeRecord {
    const evaluation = anEvaluation(verdicts, facts, this.policy);
    return this.apply({ type: "Judged", node: this.node, evaluation, observed: this.observed });
  }

  /** Time passes, and the cluster is watched. */
  pass(span: Millis): this {
    this.now += span;
    this.observed += span;
    return this;
  }

  /** Time passes, and nobody watches. */
  passBlind(span: Millis): this {
    this.now += span;
    return this;
  }

  get input(): GateInput {
    const { record, policy, now, observed, viewAge, viewSteady, read } = this;
    return { record, policy, now, observed, viewAge, viewSteady, ...read };
  }

  step(): RebootStep {
    return nextStep(this.input);
  }

  gate(name: string): { open: boolean; why: string; until?: EpochMillis } {
    const verdict = gateVerdicts(this.input).find(({ gate }) => gate === name);
    if (verdict === undefined) throw new Error(`no pure gate ${name}`);
    return verdict;
  }

  /** Writes an intent to reboot whose wait starts now; returns its token. */
  intend(wait: Millis = rebootWaitOf(this.record, this.policy)): string {
    this.#tokens += 1;
    const token = `token-${this.#tokens}`;
    this.apply({ type: "RebootIntended", instanceId: "vm-a", token, waitUntil: this.now + wait });
    return token;
  }

  /** The answer to an intent; the wait runs from now unless told. */
  answer(
    token: string,
    outcome: Exclude<RebootOutcome, "Intent">,
    wait: Millis = rebootWaitOf(this.record, this.policy),
  ): NodeRecord {
    return this.apply({
      type: "RebootFinished",
      token,
      outcome,
      detail: "answer",
      waitUntil: this.now + wait,
    });
  }

  /** A whole reboot: intent and a clear yes, or the outcome named. */
  reboot(outcome: Exclude<RebootOutcome, "Intent"> = "Accepted"): NodeRecord {
    return this.answer(this.intend(), outcome);
  }

  /** It is told what the latest reboot came to. */
  told(verification: RebootVerification): this {
    const token = this.record.lastReboot?.token ?? "";
    const event = { type: "RebootVerified", token, verification } as const;
    this.record = transition(this.record, event, this.policy, this.now).record;
    return this;
  }
}
