import { createCheckers } from "@node-agent/shared/core/checkers/registry.ts";
import type { NodeAction } from "@node-agent/shared/core/events.ts";
import type { GateName, GateVerdict } from "@node-agent/shared/core/gates/gate.ts";
import { gateVerdicts } from "@node-agent/shared/core/gates/list.ts";
import { judge, type Judged } from "@node-agent/shared/core/judge.ts";
import { noticesOf } from "@node-agent/shared/core/notices/list.ts";
import type { RepairPolicy } from "@node-agent/shared/core/policy.ts";
import type { NodeRecord } from "@node-agent/shared/core/record.ts";
import { DAY, HOUR, MINUTE, type EpochMillis, type Millis } from "@node-agent/shared/core/time.ts";
import type { NodeBuilder } from "@node-agent/shared/testing/builders.ts";
import { ACTIVE, NOON } from "./timeline.ts";

/** The life of one node as its snapshots tell it: each look is judged by the real checkers, and asked of the gates. */
export class NodeLife {
  now: EpochMillis = NOON;
  record: NodeRecord | undefined;
  /** Reasons of the notices so far. */
  readonly notices: string[] = [];
  readonly messages: string[] = [];
  readonly #policy: RepairPolicy;
  #last: Judged | undefined;
  #node: NodeBuilder | undefined;

  constructor(policy: Partial<RepairPolicy> = {}) {
    this.#policy = { ...ACTIVE, ...policy };
  }

  /** Judges the node as it reads now; again for each look of `every`, for as long as `during`. */
  sees(node: NodeBuilder, during: Millis = 0, every: Millis = MINUTE): this {
    this.#node = node;
    for (let passed = 0; ; passed += every) {
      const view = { now: this.now, observed: this.now - NOON + DAY };
      const rules = { policy: this.#policy, checkers: createCheckers(this.#policy) };
      const judged = judge(node.snapshot(), { record: this.record, damaged: false }, rules, view);
      for (const { reason, message } of noticesOf(this.record, judged.after, this.now)) {
        this.notices.push(reason);
        this.messages.push(message);
      }
      this.record = judged.after;
      this.#last = judged;
      if (passed >= during) return this;
      this.now += every;
    }
  }

  /** The verdicts of the latest look, by checker. */
  get verdicts(): Readonly<Record<string, string>> {
    return Object.fromEntries(
      (this.#last?.evaluation.judgements ?? []).map(({ checker, verdict, reason }) => [
        checker,
        `${verdict}:${reason}`,
      ]),
    );
  }

  /** What the latest look asks of the pending repair. */
  get actions(): readonly NodeAction[] {
    return this.#last?.actions ?? [];
  }

  /** What a gate says to the repair of the node as it was seen last. */
  gate(name: GateName): GateVerdict {
    const { record } = this;
    if (record === undefined || this.#node === undefined) throw new Error("the node was not seen yet");
    const verdict = gateVerdicts({
      record,
      policy: this.#policy,
      now: this.now,
      observed: this.now - NOON + DAY,
      viewAge: 0,
      viewSteady: HOUR,
      node: this.#node.snapshot(),
    }).find(({ gate }) => gate === name);
    if (verdict === undefined) throw new Error(`no gate is called ${name}`);
    return verdict;
  }
}
