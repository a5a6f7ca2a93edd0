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

/** How far a checker has filled in watched time, and what it did when it was judged last. */
interface Bucket {
  readonly level: Millis;
  readonly fails: boolean;
  /** The VM was rebooted, or may have been, in the present failure. */
  readonly rebooted: boolean;
}

const NEW_BUCKET: Bucket = { level: 0, fails: false, rebooted: false };

/** The bucket after so much time and a judgement; a reboot empties it unless the failure goes on. */
function turned(
  { level, fails, rebooted }: Bucket,
  failsNow: boolean,
  passed: Millis,
  threshold: Millis,
): Bucket {
  if (fails && failsNow) return { level: level + passed, fails, rebooted };
  const filled = fails ? level + passed : Math.min(level, threshold) - passed;
  const held = Math.min(Math.max(0, filled), threshold);
  return { level: rebooted ? 0 : held, fails: failsNow, rebooted: false };
}

/**
 * What a bystander knows who never looks at the record: which VM this truly is, how far each checker has filled in time
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
  buckets = new Map<CheckerName, Bucket>();
  calls = new Map<string, Call>();
  /** Tokens of the calls that count for the present incident. */
  counted = new Set<string>();
  #uid: string | undefined;
  #sick = false;
  #judgedAt: Millis = 0;
  /** When every checker passed again, in watched time; undefined: they did not, or the node is another one. */
  #wellAt: Millis | undefined;
  #intended = false;

  clone(): Oracle {
    const copy = Object.assign(new Oracle(), this);
    copy.buckets = new Map(this.buckets);
    copy.calls = new Map(this.calls);
    copy.counted = new Set(this.counted);
    return copy;
  }

  /** How far a checker that fails has filled by now. */
  filled(checker: CheckerName): Millis | undefined {
    const bucket = this.buckets.get(checker);
    return bucket?.fails === true ? bucket.level + this.watched - this.#judgedAt : undefined;
  }

  judged(
    evaluation: Evaluation,
    { uid, vm }: { uid: string; vm: string },
    { mode, curedAfter }: { mode: boolean; curedAfter: Millis },
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
    if (evaluation.verdict === "Undecided") this.#anew();
    this.#run(evaluation);
    if (evaluation.verdict === "Pass") {
      this.#wellAt = this.#sick ? this.watched : this.#wellAt;
      this.#sick = false;
    }
    if (evaluation.verdict === "Fail") this.#failed(curedAfter, now);
  }

  /** Fills and drains every bucket by the time since the judgement before, and turns it by this one. */
  #run({ verdict: whole, judgements }: Evaluation): void {
    const passed = this.watched - this.#judgedAt;
    this.#judgedAt = this.watched;
    const { outcome } = this.calls.get(this.vm) ?? {};
    const rebooted = this.#intended && outcome !== "NotSent" && outcome !== "Rejected";
    this.#intended = false;
    const before = this.buckets;
    this.buckets = new Map();
    if (whole === "Undecided") return;
    for (const { checker, verdict, threshold } of judgements) {
      const bucket = before.get(checker) ?? NEW_BUCKET;
      if (verdict !== "Skip") {
        const seen = { ...bucket, rebooted: bucket.rebooted || rebooted };
        this.buckets.set(checker, turned(seen, verdict === "Fail", passed, threshold));
      }
    }
  }

  /** A relapse inside a wait, or before the node was well for long enough, goes on counting. */
  #failed(curedAfter: Millis, now: EpochMillis): void {
    const waits = (this.calls.get(this.vm)?.waitUntil ?? 0) > now;
    const unproven = this.#wellAt !== undefined && this.watched - this.#wellAt < curedAfter;
    if (!this.#sick && !waits && !unproven) this.counted.clear();
    this.#sick = true;
    this.#wellAt = undefined;
  }

  #anew(): void {
    this.buckets = new Map();
    this.#sick = false;
    this.#wellAt = undefined;
  }

  intended(token: string, waitUntil: EpochMillis): void {
    this.#intended = true;
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
