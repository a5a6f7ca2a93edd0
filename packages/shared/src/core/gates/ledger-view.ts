import { defined } from "../defined.ts";
import type { Clocks } from "../ledger/clocks.ts";
import { grantFor } from "../ledger/grant.ts";
import type { Ledger } from "../ledger/ledger.ts";
import type { Breaker } from "../storm/breaker.ts";
import type { Limits, LimitSubject } from "../storm/limits.ts";
import type { EpochMillis } from "../time.ts";
import type { LedgerView } from "./gate.ts";

/** A ledger that is trusted, with what was counted from it and from the fleet once for all questions. */
export interface CountedLedger {
  readonly ledger: Ledger;
  readonly clocks: Clocks;
  /** Absent, as the breaker: the fleet was not looked at. */
  readonly limits?: Limits;
  readonly breaker?: Breaker;
}

/** What a ledger says of one VM: its window, whether repairs like it help, and the first limit that one more would exceed. */
export function ledgerView(
  subject: Omit<LimitSubject, "granted">,
  { ledger, clocks, limits, breaker }: CountedLedger,
  now: EpochMillis,
): LedgerView {
  const entry = ledger.entries.get(subject.instanceId);
  if (entry?.outcome === "Newer") {
    const why = `a newer version of node-agent wrote "${entry.newer ?? ""}" about this VM: update this version, or leave it to that one`;
    return { distrust: { why } };
  }
  const grant = grantFor(ledger.meta, subject, clocks.latest);
  const asked = { ...subject, granted: grant !== undefined && breaker?.ask(subject) !== undefined };
  return {
    // Checked with the earliest clock, while the gate compares it with the store's.
    ...(entry === undefined || entry.notBefore <= clocks.earliest
      ? {}
      : { notBefore: Math.max(entry.notBefore, now + 1) }),
    ...defined({ cureRate: limits?.cureRate(asked), limit: limits?.limit(asked), grant }),
  };
}
