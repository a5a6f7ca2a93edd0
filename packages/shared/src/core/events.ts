import type { Evaluation } from "./evaluation.ts";
import type { NodeRecord, ObservedMillis, RebootOutcome, RebootVerification } from "./record.ts";
import type { SeenMarks } from "./seen-marks.ts";
import type { EpochMillis } from "./time.ts";

/** What a judgement needs to know of the node beyond its evaluation. */
export interface JudgedNode {
  readonly name: string;
  readonly uid: string;
  readonly pool?: string;
  readonly providerId?: string;
  readonly bootId?: string;
  /** When an operator ordered that its repair is tried again. */
  readonly retryAt?: EpochMillis;
  /** What is remembered of the marks of others after this look. */
  readonly marks?: SeenMarks;
}

/** Everything that can happen to a record. */
export type NodeEvent =
  | {
      readonly type: "Judged";
      readonly node: JudgedNode;
      readonly evaluation: Evaluation;
      readonly observed: ObservedMillis;
    }
  | {
      readonly type: "RebootIntended";
      readonly instanceId: string;
      readonly token: string;
      readonly waitUntil: EpochMillis;
    }
  | {
      readonly type: "RebootFinished";
      readonly token: string;
      readonly outcome: Exclude<RebootOutcome, "Intent">;
      readonly detail: string;
      /** The end of the wait, or of the pause before a call that surely never happened is tried again. */
      readonly waitUntil: EpochMillis;
    }
  | {
      /** The node has been well for long enough to free its place in the limits; not long enough to count as cured. */
      readonly type: "RebootRecovered";
      readonly token: string;
    }
  | {
      readonly type: "RebootVerified";
      readonly token: string;
      readonly verification: RebootVerification;
    };

/** What the caller must see to. Each may be repeated without harm. */
export type NodeAction =
  /** A pending reboot must exist, which is due then; where one exists it stays as it is. */
  | { readonly type: "EnsureReboot"; readonly at: EpochMillis }
  /** A pending reboot, if there is one, must look again now: there may be nothing left to do. */
  | { readonly type: "WakeReboot" };

/** The new record and what follows from it. */
export interface Transition {
  readonly record: NodeRecord;
  readonly actions: readonly NodeAction[];
}
