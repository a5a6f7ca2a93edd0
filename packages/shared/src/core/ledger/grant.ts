import { HOUR, type EpochMillis, type Millis } from "../time.ts";
import type { LedgerEntry, LedgerGrant, LedgerOutcome } from "./ledger.ts";

/** Wider than any budget: a grant that came so far limits nothing any more. */
export const GRANT_MAX_WIDTH = 1000;

/** A grant opens the storm guard for so long: what fails together later is another storm, which nobody looked at. */
export const GRANT_LASTS: Millis = HOUR;

/**
 * An operator looked at this storm and wants it repaired; each cure under the grant prolongs it, because a fleet with
 * waits of 40 minutes is not repaired within an hour. One that seems to begin in the future is not believed.
 */
export function grantHolds({ since, renewedAt = since }: LedgerGrant, now: EpochMillis): boolean {
  const from = Math.max(since, renewedAt);
  return since <= now && now < from + GRANT_LASTS;
}

/**
 * Slow start under an operator's grant (G5): as many nodes that are well again as the width doubles it, and a reboot that
 * cured nothing, a relapse among them, begins anew at one. Only reboots that began under the grant count.
 */
export function grantAfter(
  grant: LedgerGrant,
  { at, recoveredAt }: Pick<LedgerEntry, "at" | "recoveredAt">,
  outcome: LedgerOutcome | "Recovered",
  now: EpochMillis,
): LedgerGrant {
  if (at <= grant.since) return grant;
  // Its recovery was counted: the proof must not hold up a fleet, nor count twice.
  if (outcome === "Cured" && recoveredAt !== undefined) return grant;
  switch (outcome) {
    case "Recovered":
    case "Cured":
      return widened(grant, now);
    case "StillBad":
    case "NotExecuted":
      return { ...grant, width: 1, cured: 0 };
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

function widened(grant: LedgerGrant, now: EpochMillis): LedgerGrant {
  const { width, cured = 0 } = grant;
  const roundIsComplete = cured + 1 >= width;
  const renewed = { ...grant, renewedAt: now };
  if (roundIsComplete) return { ...renewed, width: Math.min(2 * width, GRANT_MAX_WIDTH), cured: 0 };
  return { ...renewed, cured: cured + 1 };
}
