import type { Clocks } from "../ledger/clocks.ts";
import { grantFor } from "../ledger/grant.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { exceededBudget, type BudgetSubject } from "../storm/budgets.ts";
import type { StormPolicy } from "../storm/policy.ts";
import type { EpochMillis } from "../time.ts";
import type { LedgerView } from "./gate.ts";

/** What a ledger that is trusted says of one VM: its window, and the first budget that one more reboot would exceed. */
export function ledgerView(
  subject: BudgetSubject,
  ledger: Ledger,
  clocks: Clocks,
  fleetSize: number,
  policy: StormPolicy,
  now: EpochMillis,
): LedgerView {
  const entry = ledger.entries.get(subject.instanceId);
  if (entry?.outcome === "Newer") {
    const why = `a newer version of node-agent wrote "${entry.newer ?? ""}" about this VM: update this version, or leave it to that one`;
    return { distrust: { why } };
  }
  const exceeded = exceededBudget(subject, ledger, fleetSize, policy, clocks);
  const grant = grantFor(ledger.meta, { checkers: [], ...subject }, clocks.latest);
  return {
    // Checked with the earliest clock, while the gate compares it with the store's.
    ...(entry === undefined || entry.notBefore <= clocks.earliest
      ? {}
      : { notBefore: Math.max(entry.notBefore, now + 1) }),
    ...(exceeded === undefined ? {} : { exceeded }),
    ...(grant === undefined ? {} : { grant }),
  };
}
