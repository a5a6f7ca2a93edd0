/** What the ledger remembers of reboots before the latest one: limits and cure rate are built on it. */
import { DAY, type EpochMillis } from "../time.ts";
import type { Clocks } from "./clocks.ts";
import type { LedgerEntry } from "./ledger.ts";

/** Most earlier reboots kept per VM; a VM that was rebooted more often in a day has long used up every limit. */
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
    .filter((at) => at > now - DAY)
    .slice(-EARLIER_MAX);
}

/** No result is known yet. */
function isUnsettled({ outcome }: LedgerEntry): boolean {
  return outcome === "Intent" || outcome === "Accepted" || outcome === "Unknown";
}

/**
 * A repair counts against the limits while its window is open, unless its node is well again, its result is that the node
 * is still bad, or it never happened. That it is not proven to be a cure yet holds no place.
 */
export function isOpen(entry: LedgerEntry, clocks: Clocks): boolean {
  const { outcome, recoveredAt } = entry;
  // What a newer version wrote is not known here: it holds its place until that version settles it.
  if (outcome === "Newer") return true;
  // Of a node that is gone the VM may live on, and boot: its place is free when its window is over.
  const over = recoveredAt !== undefined || outcome === "Cured" || outcome === "StillBad" || !happened(entry);
  return !over && entry.notBefore > clocks.earliest;
}

/** It may still cure: it is open, and no result is known. */
export function isInFlight(entry: LedgerEntry, clocks: Clocks): boolean {
  return isUnsettled(entry) && isOpen(entry, clocks);
}

/** Its node is well again and has not relapsed: a cure, or one that is not proven yet. */
export function mayBeCure(entry: LedgerEntry): boolean {
  return entry.outcome === "Cured" || (isUnsettled(entry) && entry.recoveredAt !== undefined);
}

/** The machine went down and its node is no better for it. A repair that was not executed says nothing of repairs. */
export function curedNothing({ outcome }: LedgerEntry): boolean {
  return outcome === "StillBad";
}
