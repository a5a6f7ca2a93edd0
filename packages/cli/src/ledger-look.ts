import type { LedgerLook } from "@node-agent/shared/core/explain-input.ts";
import { clocksOf, type Clocks } from "@node-agent/shared/core/ledger/clocks.ts";
import { windowOf } from "@node-agent/shared/core/ledger/timings.ts";
import { distrustOf } from "@node-agent/shared/core/ledger/trust.ts";
import type { EpochMillis, Millis } from "@node-agent/shared/core/time.ts";
import type { LedgerReading } from "@node-agent/shared/ports/ledger.ts";
import { ledgerTimingsOf, type Config } from "@node-agent/shared/runtime/config/config.ts";

/** The longest window that a reboot can have: so old a ledger must be before it is believed. */
export function longestWindow(config: Config): Millis {
  const { standard, gpu } = config.rebootWait;
  return windowOf(Math.max(standard, gpu), ledgerTimingsOf(config));
}

/** The clocks that can be asked from here: our own, those given, and the API server's. */
export function clocksOfReading(reading: LedgerReading, ...others: readonly EpochMillis[]): Clocks {
  const server = reading.state === "Found" ? reading.serverTime : undefined;
  return clocksOf([...others, ...(server === undefined ? [] : [server])]);
}

/**
 * What a gate would make of this reading; changes nothing. `seqHighWater`: the highest sequence number that Redis
 * remembers, 0 when it was not asked.
 */
export function lookAtLedger(
  reading: LedgerReading,
  clocks: Clocks,
  seqHighWater: number,
  config: Config,
): LedgerLook {
  if (reading.state !== "Found") {
    return { state: "Distrusted", why: `${reading.state}: ${reading.why}`, ends: false };
  }
  const { ledger, createdAt } = reading;
  const timings = ledgerTimingsOf(config);
  const found = distrustOf(ledger, createdAt, { seqHighWater }, clocks, longestWindow(config), timings);
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
