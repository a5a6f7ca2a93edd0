import { scopeText } from "@node-agent/shared/core/ledger/grant.ts";
import type { LedgerGrant, LedgerPause } from "@node-agent/shared/core/ledger/ledger.ts";
import type { StandingPause } from "@node-agent/shared/core/ledger/standing-orders.ts";
import type { PauseScope } from "@node-agent/shared/core/pause.ts";
import type { EpochMillis } from "@node-agent/shared/core/time.ts";
import { instantText, whenText } from "./text.ts";

/** What a pause covers: `fleet`, `pool workers`. */
export function pauseScopeText(scope: PauseScope): string {
  return scope.level === "fleet" ? "fleet" : `${scope.level} ${scope.name}`;
}

/** Who ordered a pause, when, until when and why. */
export function pauseText({ by, since, until, reason }: LedgerPause): string {
  return `by ${by} at ${instantText(since)}${until === undefined ? "" : `, until ${instantText(until)}`}: ${reason}`;
}

/** A pause in force, in words. */
export function standingPauseText({ scope, pause }: StandingPause): string {
  return `${pauseScopeText(scope)} ${pauseText(pause)}`;
}

/** A grant in force, in words. */
export function standingGrantText(grant: LedgerGrant, now: EpochMillis): string {
  const { used, count, width, by, since, until, reason } = grant;
  const of = count === undefined ? "" : ` of ${count}`;
  return (
    `${scopeText(grant)} until ${whenText(until, now)}, ${used}${of} begun, ${width} at a time now, ` +
    `by ${by} since ${whenText(since, now)}: ${reason}`
  );
}
