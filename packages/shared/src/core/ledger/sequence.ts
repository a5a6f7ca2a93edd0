/**
 * Sequence numbers that are remembered outside the ledger, where anybody may have written them. A ledger begins at 0 and
 * is written to less than once in a millisecond: no number is higher than the milliseconds since 1970. A forged one below
 * that lifts the ledger by a quarantine, and the bound grows faster than the ledger does; so whatever was remembered
 * once, the numbers that follow are believed, and a restored backup shows.
 */
import type { EpochMillis } from "../time.ts";

/** A remembered sequence number, if it can be one by `now`, else 0: what no ledger can reach was forged, or is damage. */
export function plausible(seq: number, now: EpochMillis): number {
  return Number.isSafeInteger(seq) && seq >= 0 && seq <= now ? seq : 0;
}

/** What is remembered after `seq` was joined: the higher number. One that cannot be is replaced, not kept. */
export function joined(remembered: number, seq: number, now: EpochMillis): number {
  return Math.max(plausible(remembered, now), seq);
}
