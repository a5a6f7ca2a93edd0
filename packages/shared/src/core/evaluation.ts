import type { CheckerName, CheckVerdict, RepairAction } from "./check.ts";
import type { Millis } from "./time.ts";

/** One checker's judgement together with what its failure would mean. */
export interface Judgement {
  readonly checker: CheckerName;
  readonly verdict: CheckVerdict;
  readonly reason: string;
  readonly threshold: Millis;
  readonly action: RepairAction;
}

/**
 * The judgement of a whole node. `Undecided` means that the node was never Ready and its start-up grace still
 * runs: failures of other checkers do not count yet.
 */
export interface Evaluation {
  readonly verdict: "Pass" | "Fail" | "Undecided";
  readonly judgements: readonly Judgement[];
  /** The node is Ready in this snapshot. */
  readonly ready: boolean;
  /** This snapshot shows GPUs (label or resources). */
  readonly gpuNode: boolean;
  /** Whole GPU units in capacity in this snapshot; the history keeps the highest. */
  readonly gpuUnits: number;
}
