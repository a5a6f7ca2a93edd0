import type { CheckerName } from "@node-agent/shared/core/check.ts";
import type { Evaluation } from "@node-agent/shared/core/evaluation.ts";
import type { RebootOutcome } from "@node-agent/shared/core/record.ts";
import type { EpochMillis, Millis } from "@node-agent/shared/core/time.ts";

/** The latest call that was, or may have been, made for a VM. */
interface Call {
  readonly token: string;
  readonly outcome: RebootOutcome;
  readonly waitUntil: EpochMillis;
}

/**
 * What a bystander knows who never looks at the record: which VM this truly is, since when each checker fails in time
 * that was truly watched, which calls were made. It shares no code with the state machine.
 */
export class Oracle {
  /** The true VM of the latest judgement, announced by a provider id or not. */
  vm = "";
  /** Time watched since the world began; unlike the observation clock it is never reset. */
  watched: Millis = 0;
  verdict: Evaluation["verdict"] | undefined;
  /** The mode of the latest judgement. */
  mode: boolean | undefined;
  failingSince = new Map<CheckerName, Millis>();
  calls = new Map<string, Call>();
  /** Tokens of the calls that count for the present incident. */
  counted = new Set<string>();
  #uid: string | undefined;
  #sick = false;

  clone(): Oracle {
    const copy = Object.assign(new Oracle(), this);
    copy.failingSince = new Map(this.failingSince);
    copy.calls = new Map(this.calls);
    copy.counted = new Set(this.counted);
    return copy;
  }

  judged(
    evaluation: Evaluation,
    { uid, vm }: { uid: string; vm: string },
    mode: boolean,
    now: EpochMillis,
  ): void {
    this.vm = vm;
    if (this.mode !== undefined && this.mode !== mode) {
      this.#anew();
      for (const [of, call] of this.calls) if (call.outcome === "Simulated") this.calls.delete(of);
    }
    if (this.#uid !== uid) this.#anew();
    this.mode = mode;
    this.#uid = uid;
    this.verdict = evaluation.verdict;
    if (evaluation.verdict !== "Fail") this.#anew();
    else this.#failed(evaluation, now);
  }

  #failed(evaluation: Evaluation, now: EpochMillis): void {
    const before = this.failingSince;
    this.failingSince = new Map();
    for (const { checker, verdict } of evaluation.judgements) {
      if (verdict === "Fail") this.failingSince.set(checker, before.get(checker) ?? this.watched);
    }
    if (!this.#sick && !((this.calls.get(this.vm)?.waitUntil ?? 0) > now)) this.counted.clear();
    this.#sick = true;
  }

  #anew(): void {
    this.failingSince = new Map();
    this.#sick = false;
  }

  intended(token: string, waitUntil: EpochMillis): void {
    this.calls.set(this.vm, { token, outcome: "Intent", waitUntil });
    this.counted.add(token);
  }

  /** The first answer to an intent; answers to older intents tell nothing new. */
  answered(token: string, outcome: RebootOutcome, waitUntil: EpochMillis): void {
    for (const [vm, call] of this.calls) {
      if (call.token !== token) continue;
      this.calls.set(vm, { token, outcome, waitUntil });
      if (outcome === "NotSent" || outcome === "Rejected") this.counted.delete(token);
    }
  }

  /** When the latest call that counts lets the next one through. */
  waitUntil(): EpochMillis {
    const call = this.calls.get(this.vm);
    if (call === undefined || call.outcome === "NotSent" || call.outcome === "Rejected") return 0;
    return call.waitUntil;
  }
}
