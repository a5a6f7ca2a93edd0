/** What a repair transaction is given of the ledger. */
import type { Clocks } from "@node-agent/shared/core/ledger/clocks.ts";
import type { Ledger, LedgerGrant } from "@node-agent/shared/core/ledger/ledger.ts";
import type { LedgerIntent } from "@node-agent/shared/core/ledger/steps.ts";
import type { EpochMillis } from "@node-agent/shared/core/time.ts";
import type { LedgerWrite } from "@node-agent/shared/ports/ledger.ts";

/** The ledger at one moment, trusted. */
export interface LedgerSession {
  readonly ledger: Ledger;
  readonly clocks: Clocks;
  /** When the window of a VM ends that is repaired now. */
  windowEnd(vm: Pick<LedgerIntent, "instanceId" | "gpu">): EpochMillis;
  /** Writes an intent on exactly this state of the ledger. A VM that ever had GPUs keeps their wait, whatever it says now. */
  intend(intent: LedgerIntent, signal: AbortSignal): Promise<IntentWrite>;
}

/** What became of an intent. `grant`: the repair began under it. */
export type IntentWrite = LedgerWrite & { readonly grant?: LedgerGrant };

/** A session, or why there is none. */
export type LedgerOpening =
  | { readonly open: true; readonly session: LedgerSession }
  | { readonly open: false; readonly why: string; readonly until?: EpochMillis; readonly ledger?: Ledger };

/** Pauses are heard even in a ledger that may not be built on. */
export function ledgerOf(opening: LedgerOpening | undefined): Ledger | undefined {
  if (opening === undefined) return undefined;
  return opening.open ? opening.session.ledger : opening.ledger;
}
