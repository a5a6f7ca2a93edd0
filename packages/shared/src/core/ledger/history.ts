/** What the ledger remembers of reboots before the latest one: budgets and the efficacy guard are built on it. */
import { RATE_WINDOWS } from "../storm/policy.ts";
import type { EpochMillis } from "../time.ts";
import { grantedSince } from "./grant.ts";
import type { Ledger, LedgerEntry } from "./ledger.ts";

/** Most earlier reboots kept per VM; a VM that was rebooted more often in a day has long used up every budget. */
export const EARLIER_MAX = 1000;

/** Reboots that happened or may have happened; the others surely did not. */
export function happened({ outcome }: Pick<LedgerEntry, "outcome">): boolean {
  return outcome !== "NotSent" && outcome !== "Rejected";
}

/** When this VM was rebooted, or may have been, oldest first: within the longest rate window and a little more. */
export function rebootsOf(entry: LedgerEntry): readonly EpochMillis[] {
  const { earlier = [], at } = entry;
  return happened(entry) ? [...earlier, at] : earlier;
}

/** The reboots that a new entry of the same VM must remember, at the earliest clock `now`. */
export function earlierOf(before: LedgerEntry | undefined, now: EpochMillis): readonly EpochMillis[] {
  if (before === undefined) return [];
  return rebootsOf(before)
    .filter((at) => at > now - RATE_WINDOWS.day)
    .slice(-EARLIER_MAX);
}

/** Its node is well again and has not relapsed: a cure, or one that is not proven yet. */
function mayBeCure({ outcome, recoveredAt }: LedgerEntry): boolean {
  const open = outcome === "Intent" || outcome === "Accepted" || outcome === "Unknown";
  return outcome === "Cured" || (open && recoveredAt !== undefined);
}

function curedNothing({ outcome }: LedgerEntry): boolean {
  return outcome === "StillBad" || outcome === "NotExecuted";
}

/** Reboots that say something of what repairs do, and began since the operator's latest grant, latest first (G5). */
export function settledSinceGrant({ entries, meta }: Ledger): LedgerEntry[] {
  return [...entries.values()]
    .filter((entry) => (mayBeCure(entry) || curedNothing(entry)) && entry.at > grantedSince(meta, entry))
    .toSorted((a, b) => b.seq - a.seq);
}

/**
 * The latest reboots in a row that cured nothing: what the efficacy guard is built on. A repair that is not proven yet ends
 * the row, because nobody can say that it cured nothing; a relapse puts it back in.
 */
export function uncuredInARow(ledger: Ledger): LedgerEntry[] {
  const settled = settledSinceGrant(ledger);
  const cure = settled.findIndex((entry) => mayBeCure(entry));
  return cure === -1 ? settled : settled.slice(0, cure);
}

/**
 * What must not be forgotten: the failures in a row, and the cure before them. Without it older failures, which it made
 * good, would count again.
 */
export function evidenceOf(ledger: Ledger): LedgerEntry[] {
  const cure = settledSinceGrant(ledger).find((entry) => mayBeCure(entry));
  return [...uncuredInARow(ledger), ...(cure === undefined ? [] : [cure])];
}
