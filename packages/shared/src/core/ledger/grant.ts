import { HOUR, type EpochMillis, type Millis } from "../time.ts";
import type { LedgerEntry, LedgerGrant, LedgerOutcome } from "./ledger.ts";

/** Wider than any budget: a grant that came so far limits nothing any more. */
export const GRANT_MAX_WIDTH = 1000;

/** A grant opens the storm guard for so long: what fails together later is another storm, which nobody looked at. */
export const GRANT_LASTS: Millis = HOUR;

/** An operator looked at this storm and wants it repaired; one that seems to begin in the future is not believed. */
export function grantHolds({ since }: Pick<LedgerGrant, "since">, now: EpochMillis): boolean {
  return since <= now && now < since + GRANT_LASTS;
}

/**
 * Slow start under an operator's grant (G5): as many cures as the width doubles it, and a reboot that cured nothing
 * begins anew at one. Only reboots that began under the grant count.
 */
export function grantAfter(
  grant: LedgerGrant,
  { at }: Pick<LedgerEntry, "at">,
  outcome: LedgerOutcome,
): LedgerGrant {
  if (at <= grant.since) return grant;
  const { since, by, width, cured = 0 } = grant;
  switch (outcome) {
    case "Cured": {
      const roundIsComplete = cured + 1 >= width;
      if (roundIsComplete) return { since, by, width: Math.min(2 * width, GRANT_MAX_WIDTH), cured: 0 };
      return { since, by, width, cured: cured + 1 };
    }
    case "StillBad":
    case "NotExecuted":
      return { since, by, width: 1, cured: 0 };
    case "Intent":
    case "Accepted":
    case "Unknown":
    case "NotSent":
    case "Rejected":
    case "Gone":
      return grant;
    default:
      return outcome satisfies never;
  }
}
