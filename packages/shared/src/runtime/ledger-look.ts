import type { LedgerLook } from "../core/explain-input.ts";
import { clocksOf, type Clocks } from "../core/ledger/clocks.ts";
import { windowOf, type LedgerTimings } from "../core/ledger/timings.ts";
import { distrustOf } from "../core/ledger/trust.ts";
import type { RepairPolicy } from "../core/policy.ts";
import type { EpochMillis, Millis } from "../core/time.ts";
import type { LedgerReading } from "../ports/ledger.ts";

/** What windows are counted from. */
export interface WindowRules {
  readonly policy: Pick<RepairPolicy, "rebootWait">;
  readonly timings: LedgerTimings;
}

/** The longest window that a reboot can have: so old a ledger must be before it is believed. */
export function longestWindow({ policy: { rebootWait }, timings }: WindowRules): Millis {
  return windowOf(Math.max(rebootWait.standard, rebootWait.gpu), timings);
}

/**
 * The clocks that tell the time of a reading: the API server's, and Redis's when it was asked. The clock of the machine
 * that looks on is no clock of a gate; it counts only when no other told the time.
 */
export function clocksOfReading(
  reading: LedgerReading,
  { redis, own }: { readonly redis?: EpochMillis; readonly own: EpochMillis },
): Clocks {
  const server = reading.state === "Found" ? reading.serverTime : undefined;
  const told = [redis, server].filter((time) => time !== undefined);
  return clocksOf(told.length === 0 ? [own] : told);
}

/**
 * What a gate would make of this reading; changes nothing, also where a gate would begin a quarantine. `seqHighWater`:
 * the highest sequence number that Redis remembers, 0 when it was not asked.
 */
export function lookAtLedger(
  reading: LedgerReading,
  clocks: Clocks,
  seqHighWater: number,
  rules: WindowRules,
): LedgerLook {
  if (reading.state !== "Found") {
    return { state: "Distrusted", why: `${reading.state}: ${reading.why}`, ends: false };
  }
  const { ledger, createdAt } = reading;
  const longest = longestWindow(rules);
  const found = distrustOf(ledger, createdAt, { seqHighWater }, clocks, longest, rules.timings);
  if (found === undefined) return { state: "Trusted", ledger, clocks };
  const { distrust, why, until } = found;
  return {
    state: "Distrusted",
    why: `${distrust}: ${why}`,
    until,
    ends: distrust !== "ClockSkew",
    ledger,
    ...(distrust === "TooYoung" ? { since: createdAt } : {}),
  };
}
