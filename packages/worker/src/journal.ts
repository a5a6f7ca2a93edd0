import type { ReconcileError } from "@node-agent/shared/contract/metric-labels.ts";
import type { Evaluation } from "@node-agent/shared/core/evaluation.ts";
import type { RebootStep } from "@node-agent/shared/core/gates/list.ts";
import type { LedgerGrant } from "@node-agent/shared/core/ledger/ledger.ts";
import type { NodeRecord, RebootVerification } from "@node-agent/shared/core/record.ts";
import type { RebootReceipt, RebootTarget } from "@node-agent/shared/ports/executor.ts";
import type { EpochMillis, Millis } from "@node-agent/shared/core/time.ts";

/** A judgement that was committed; `after` undefined: the node is gone and its record deleted. */
export interface JudgedChange {
  readonly node: string;
  readonly before: NodeRecord | undefined;
  readonly after: NodeRecord | undefined;
  readonly evaluation: Evaluation | undefined;
  /** Time until the pending reboot is due; undefined when there is none. */
  readonly dueIn: Millis | undefined;
}

/** A hold, with its end or the time of the next look where there is one. */
export type HeldStep =
  | Extract<RebootStep, { step: "Finish" }>
  | (Omit<Extract<RebootStep, { step: "WaitUntil" }>, "at"> & { readonly at?: EpochMillis });

/** Where the worker says what it saw and did: log lines for people, counters for Prometheus. Never throws. */
export interface Journal {
  judged(change: JudgedChange): void;
  /**
   * A pending reboot waits, or finishes without a call. Called only when the answer changed; `change` counts the changes
   * of gate or attempt in the life of the job, and stays the same when only the words are new.
   */
  held(node: string, step: HeldStep, record: NodeRecord | undefined, change: number): void;
  /** The intent stands in the store and the call is about to be made; `grant`: an operator let it begin. */
  requested(record: NodeRecord, target: RebootTarget, grant?: LedgerGrant): void;
  /** The call came back. */
  answered(record: NodeRecord, receipt: RebootReceipt): void;
  /** It is known what a reboot came to. */
  verified(record: NodeRecord, verification: RebootVerification): void;
  /** The store had forgotten a reboot; its record goes on from what the ledger knows. */
  recalled(before: NodeRecord, after: NodeRecord): void;
  /** Bytes that could not be read, or a dependency that failed; the work goes on or is tried again. */
  fault(reason: ReconcileError, detail: string, node?: string): void;
}
