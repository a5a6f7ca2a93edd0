import { stands, type PauseScope } from "../pause.ts";
import type { EpochMillis } from "../time.ts";
import { grantHolds, grantsOf, partsOf, type GrantScope } from "./grant.ts";
import type { LedgerGrant, LedgerMeta, LedgerPause } from "./ledger.ts";

/** A pause with what it covers. */
export interface StandingPause {
  readonly scope: PauseScope;
  readonly pause: LedgerPause;
}

/** What operators ordered and what is in force now. */
export interface StandingOrders {
  /** The widest first. */
  readonly pauses: readonly StandingPause[];
  readonly grants: readonly LedgerGrant[];
}

/** The pauses and grants of a ledger that are in force now. */
export function standingOrders(meta: LedgerMeta, now: EpochMillis): StandingOrders {
  const { paused, pausedPools, pausedNodes } = meta;
  const pauses: StandingPause[] = [
    ...(paused === undefined ? [] : [{ scope: { level: "fleet" } as const, pause: paused }]),
    ...scoped("pool", pausedPools),
    ...scoped("node", pausedNodes),
  ];
  return {
    pauses: pauses.filter(({ pause }) => stands(pause, now)),
    grants: grantsOf(meta).filter((grant) => grantHolds(grant, now)),
  };
}

function scoped(
  level: "pool" | "node",
  pauses: Readonly<Record<string, LedgerPause>>,
): readonly StandingPause[] {
  return Object.entries(pauses).map(([name, pause]) => ({ scope: { level, name }, pause }));
}

/** What a grant may cover, without names: a closed set, for metrics. `several`: what is in two or more of them at once. */
export const GRANT_SCOPES = ["fleet", "zone", "pool", "checker", "several"] as const;
export type GrantScopeKind = (typeof GRANT_SCOPES)[number];

/** The kind of a scope. */
export function scopeKindOf(scope: GrantScope): GrantScopeKind {
  const parts = partsOf(scope);
  if (parts.length > 1) return "several";
  return GRANT_SCOPES.find((kind) => kind === parts[0]?.[0]) ?? "fleet";
}
