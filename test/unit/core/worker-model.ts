import fc from "fast-check";
import { CHECKER_NAMES, type CheckerName, type CheckVerdict } from "@node-agent/shared/core/check.ts";
import { rebootWaitOf } from "@node-agent/shared/core/due.ts";
import type { NodeAction, NodeEvent } from "@node-agent/shared/core/events.ts";
import type { RebootStep } from "@node-agent/shared/core/gates/list.ts";
import type { RepairPolicy } from "@node-agent/shared/core/policy.ts";
import type { NodeRecord, RebootOutcome } from "@node-agent/shared/core/record.ts";
import { MINUTE, SECOND, type EpochMillis, type Millis } from "@node-agent/shared/core/time.ts";
import { Oracle } from "./oracle.ts";
import { anEvaluation, Timeline, type Facts } from "./timeline.ts";

type Answer = Exclude<RebootOutcome, "Intent">;

/** What may happen to a node, its watchers, its workers and its owner. */
export type Op =
  | { op: "judge"; verdicts: Record<CheckerName, CheckVerdict>; facts: Facts }
  | { op: "pass"; span: Millis; watched: boolean }
  | { op: "resetObservation" }
  | { op: "view"; age: Millis | undefined }
  /** The pending reboot runs: when its time has come, or at any moment (a duplicate, a promotion by hand). */
  | { op: "work"; early: boolean }
  /** The answer to one of the intents, counted from the latest; an intent that is never answered is a crash. */
  | { op: "answer"; back: number; outcome: Answer; again: boolean }
  | { op: "policy"; change: Partial<Pick<RepairPolicy, "monitorOnly" | "maxAttempts">> }
  | { op: "rule"; checker: CheckerName; rule: Partial<RepairPolicy["checkers"][CheckerName]> }
  | { op: "newUid"; sameVm: boolean; announced: boolean }
  | { op: "announce" };

const verdict = fc.oneof(
  { weight: 5, arbitrary: fc.constant<CheckVerdict>("Fail") },
  { weight: 2, arbitrary: fc.constant<CheckVerdict>("Pass") },
  { weight: 1, arbitrary: fc.constant<CheckVerdict>("Skip") },
);
const rarely = fc.integer({ min: 0, max: 15 }).map((n) => n === 0);
const facts = fc.record({ undecided: rarely, gpuNode: rarely, gpuUnits: fc.integer({ min: 0, max: 8 }) });
const sick = fc.record({ NodeReady: verdict, GPU: verdict, DiskPressure: verdict, Cilium: verdict });
const well = fc.constant({ NodeReady: "Pass", GPU: "Skip", DiskPressure: "Pass", Cilium: "Pass" } as const);
const span = fc.oneof(
  fc.constantFrom(1, SECOND, MINUTE, 5 * MINUTE, 10 * MINUTE, 30 * MINUTE, 40 * MINUTE),
  fc.integer({ min: 0, max: 41 * MINUTE }),
);
const anyOutcome = fc.constantFrom<Answer>("Accepted", "Accepted", "Unknown", "NotSent", "Rejected");

/** Any of the things that may happen, the frequent ones more often. */
export const anyOp: fc.Arbitrary<Op> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ op: fc.constant("judge" as const), verdicts: sick, facts }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant("judge" as const), verdicts: well, facts }) },
  {
    weight: 10,
    arbitrary: fc.record({ op: fc.constant("pass" as const), span, watched: rarely.map((no) => !no) }),
  },
  { weight: 1, arbitrary: fc.constant({ op: "resetObservation" } as const) },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant("view" as const),
      age: fc.constantFrom(0, 0, 89 * SECOND, 91 * SECOND, undefined),
    }),
  },
  { weight: 12, arbitrary: fc.record({ op: fc.constant("work" as const), early: fc.boolean() }) },
  {
    weight: 8,
    arbitrary: fc.record({
      op: fc.constant("answer" as const),
      back: fc.constantFrom(0, 0, 0, 1, 2),
      outcome: anyOutcome,
      again: rarely,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant("policy" as const),
      change: fc.oneof(
        fc.record({ monitorOnly: fc.boolean() }),
        fc.record({ maxAttempts: fc.integer({ min: 1, max: 3 }) }),
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant("rule" as const),
      checker: fc.constantFrom(...CHECKER_NAMES),
      rule: fc.oneof(
        fc.record({ enabled: fc.boolean() }),
        fc.record({ action: fc.constantFrom("Reboot", "None") }),
        fc.record({ threshold: fc.constantFrom(0, 2 * MINUTE, 10 * MINUTE) }),
      ),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant("newUid" as const),
      sameVm: fc.boolean(),
      announced: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ op: "announce" } as const) },
);

/** One event that was applied, or one run of the pending reboot. */
export interface Moment {
  readonly op: Op;
  readonly now: EpochMillis;
  readonly policy: RepairPolicy;
  readonly event?: NodeEvent;
  readonly before?: NodeRecord | undefined;
  readonly after?: NodeRecord;
  readonly actions?: readonly NodeAction[];
  readonly step?: RebootStep;
  /** What the oracle knows at this moment; complete before the record is asked. */
  readonly oracle: Oracle;
  /** When the pending reboot runs next, after the actions were carried out. */
  readonly timer: EpochMillis | undefined;
  readonly life: Timeline;
}

/** Watchers, workers and the owner around one record, as careful as the real ones: no intent without `CallExecutor`. */
export class WorkerModel {
  readonly life = new Timeline();
  readonly oracle = new Oracle();
  timer: EpochMillis | undefined;
  readonly #intents: { token: string; answered: boolean; simulated: boolean }[] = [];
  #vms = 1;
  /** The VM behind the node now; the worker judges a fresh read before it calls, so the oracle learns it there. */
  #vm = "civo://vm-1";
  #uids = 1;
  #known = false;

  constructor() {
    this.life.node = { name: "node-1", uid: "uid-1", pool: "blue", providerId: this.#vm };
  }

  /** Does one thing and tells what came of it; undefined when there was nothing to do. */
  run(op: Op): Moment | undefined {
    if (op.op === "judge") return this.#judge(op);
    if (op.op === "work") return this.#work(op);
    if (op.op === "answer") return this.#answer(op);
    this.#outside(op);
    return undefined;
  }

  #outside(op: Exclude<Op, { op: "judge" | "work" | "answer" }>): void {
    const { life, oracle } = this;
    switch (op.op) {
      case "pass":
        life.now += op.span;
        if (op.watched) {
          life.observed += op.span;
          oracle.watched += op.span;
        }
        return;
      case "resetObservation":
        life.observed = 0;
        return;
      case "view":
        life.viewAge = op.age;
        return;
      case "policy":
        life.policy = { ...life.policy, ...op.change };
        return;
      case "rule": {
        const { checkers } = life.policy;
        const rule = { ...checkers[op.checker], ...op.rule };
        life.policy = { ...life.policy, checkers: { ...checkers, [op.checker]: rule } };
        return;
      }
      case "newUid": {
        if (!op.sameVm) this.#vms += 1;
        this.#uids += 1;
        this.#vm = `civo://vm-${this.#vms}`;
        const name = "node-1";
        life.node = { name, uid: `uid-${this.#uids}`, ...(op.announced ? { providerId: this.#vm } : {}) };
        return;
      }
      case "announce":
        life.node = { ...life.node, providerId: this.#vm };
        return;
      default:
        return op satisfies never;
    }
  }

  #judge(op: Extract<Op, { op: "judge" }>): Moment {
    const { life, oracle } = this;
    const evaluation = anEvaluation(op.verdicts, op.facts, life.policy);
    const { monitorOnly: mode, storm } = life.policy;
    const { curedAfter } = storm;
    oracle.judged(evaluation, { uid: life.node.uid, vm: this.#vm }, { mode, curedAfter }, life.now);
    const event = { type: "Judged", node: life.node, evaluation, observed: life.observed } as const;
    const moment = this.#apply(op, event);
    for (const action of life.actions) {
      // The plan of the fleet wakes a repair that sleeps beyond the time at which it is due.
      if (action.type === "EnsureReboot") this.timer = Math.min(this.timer ?? action.at, action.at);
      if (action.type === "WakeReboot") this.timer = life.now;
    }
    return { ...moment, timer: this.timer };
  }

  #work(op: Extract<Op, { op: "work" }>): Moment | undefined {
    const { life, oracle } = this;
    if (!this.#known) return undefined;
    if (!op.early && (this.timer === undefined || this.timer > life.now)) return undefined;
    const step = life.step();
    const before = life.record;
    const moment = { op, now: life.now, policy: life.policy, before, step, oracle: oracle.clone(), life };
    if (step.step === "Finish") this.timer = undefined;
    if (step.step === "WaitUntil") this.timer = step.at;
    if (step.step !== "CallExecutor") return { ...moment, after: before, timer: this.timer };
    const token = `token-${this.#intents.length}`;
    this.#intents.push({ token, answered: false, simulated: life.policy.monitorOnly });
    const waitUntil = life.now + rebootWaitOf(before, life.policy) + 20 * SECOND;
    oracle.intended(token, waitUntil);
    const event = { type: "RebootIntended", instanceId: "vm", token, waitUntil } as const;
    const after = life.apply(event);
    this.timer = waitUntil;
    return { ...moment, event, after, actions: life.actions, timer: this.timer };
  }

  #answer(op: Extract<Op, { op: "answer" }>): Moment | undefined {
    const { life, oracle } = this;
    const intent = this.#intents.at(-1 - op.back);
    if (intent === undefined || (intent.answered && !op.again)) return undefined;
    // What a worker in monitor-only mode answers instead of any cloud.
    const outcome = intent.simulated ? "Simulated" : op.outcome;
    const failed = outcome === "NotSent" || outcome === "Rejected";
    const waitUntil = life.now + (failed ? MINUTE : rebootWaitOf(life.record, life.policy));
    if (!intent.answered) oracle.answered(intent.token, outcome, waitUntil);
    intent.answered = true;
    const { token } = intent;
    const event = { type: "RebootFinished", token, outcome, detail: "", waitUntil } as const;
    return this.#apply(op, event);
  }

  #apply(op: Op, event: NodeEvent): Moment {
    const { life, oracle, timer } = this;
    const before = this.#known ? life.record : undefined;
    const after = life.apply(event);
    this.#known = true;
    const { now, policy, actions } = life;
    return { op, now, policy, event, before, after, actions, oracle: oracle.clone(), timer, life };
  }
}

/** Lives a whole story and shows every moment of it to the check. */
export function live(story: readonly Op[], check: (moment: Moment) => void, model = new WorkerModel()): void {
  for (const op of story) {
    const moment = model.run(op);
    if (moment !== undefined) check(moment);
  }
}
