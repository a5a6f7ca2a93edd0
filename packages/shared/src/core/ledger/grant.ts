import { defined } from "../defined.ts";
import { DAY, HOUR, type EpochMillis, type Millis } from "../time.ts";
import type { Ledger, LedgerEntry, LedgerGrant, LedgerMeta, LedgerOutcome } from "./ledger.ts";

/** Wider than any limit: a grant that reached this width limits nothing any more. */
export const GRANT_MAX_WIDTH = 1000;
/** Two at a time from the start: with a boot of 8 minutes, the 20 nodes of a small zone are begun within half an hour. */
export const GRANT_FIRST_WIDTH = 2;
/** The span of a grant when the order does not say one, and the longest that an order may ask for. */
export const GRANT_LASTS: Millis = HOUR;
export const GRANT_LASTS_AT_MOST: Millis = DAY;
/** Grants that a ledger holds, the ended ones among them. */
export const GRANTS_MAX = 16;
/** An ended grant is kept for so long: what began before it is no evidence against repairs, and people look it up. */
const KEPT: Millis = DAY;

/** What a grant is asked about: where a node is, and which checkers want its repair. */
export interface GrantSubject {
  readonly pool?: string;
  readonly zone?: string;
  readonly checkers: readonly string[];
}

/** The part of a grant that says what it covers; without a field: the fleet. */
export type GrantScope = Pick<LedgerGrant, "zone" | "pool" | "checker">;

/**
 * Every grant that the ledger holds. The single one that versions before this wrote is a grant of the fleet that ends an
 * hour after it began.
 */
export function grantsOf({ grants = [], grant }: LedgerMeta): readonly LedgerGrant[] {
  if (grant === undefined) return grants;
  const { since, by, width } = grant;
  const id = `ledger-grant-${since}`;
  if (grants.some((known) => known.id === id)) return grants;
  const reason = "given by an older version of node-agent";
  return [...grants, { id, since, until: since + GRANT_LASTS, by, reason, used: 0, width, cured: 0 }];
}

/** It has begun, has not ended, and is not used up. One that seems to begin in the future is not believed. */
export function grantHolds({ since, until, count, used }: LedgerGrant, now: EpochMillis): boolean {
  return since <= now && now < until && (count === undefined || used < count);
}

/** The grant that the latest reboot of this VM began under. */
export function grantOf({ meta, entries }: Ledger, instanceId: string): LedgerGrant | undefined {
  const id = entries.get(instanceId)?.grant;
  return id === undefined ? undefined : grantsOf(meta).find((grant) => grant.id === id);
}

/** The subject lies in the scope of the grant, whatever the time. */
export function grantCovers({ zone, pool, checker }: GrantScope, subject: GrantSubject): boolean {
  return (
    (zone === undefined || zone === subject.zone) &&
    (pool === undefined || pool === subject.pool) &&
    (checker === undefined || subject.checkers.includes(checker))
  );
}

/** The active grant that covers this subject: of several the narrowest, of these the latest. */
export function grantFor(meta: LedgerMeta, subject: GrantSubject, now: EpochMillis): LedgerGrant | undefined {
  return grantsOf(meta)
    .filter((grant) => grantHolds(grant, now) && grantCovers(grant, subject))
    .toSorted((a, b) => partsOf(b).length - partsOf(a).length || b.since - a.since)[0];
}

/** What a scope names: zone, pool or checker. */
export function partsOf({ zone, pool, checker }: GrantScope): [part: string, name: string][] {
  return Object.entries(defined({ zone, pool, checker }));
}

/** When the latest grant over this repair began, whether it still holds or not; 0: there was none. */
export function grantedSince(meta: LedgerMeta, repair: LedgerEntry): EpochMillis {
  const subject = { ...repair, checkers: repair.checker === undefined ? [] : [repair.checker] };
  const begun = grantsOf(meta).filter((grant) => grantCovers(grant, subject));
  return Math.max(0, ...begun.map(({ since }) => since));
}

/** A scope in words: `fleet`, or `zone fra1, checker GPU`. */
export function scopeText(scope: GrantScope): string {
  const parts = partsOf(scope);
  return parts.length === 0 ? "fleet" : parts.map(([part, name]) => `${part} ${name}`).join(", ");
}

/** What an operator orders. */
export type GrantOrder = GrantScope &
  Pick<LedgerGrant, "id" | "by" | "reason" | "count"> & { readonly lasts: Millis };

/** The grant of an order that is given at `since`: unused, and as slow as every grant begins. */
export function newGrant({ lasts, ...order }: GrantOrder, since: EpochMillis): LedgerGrant {
  return { ...order, since, until: since + lasts, used: 0, width: GRANT_FIRST_WIDTH, cured: 0 };
}

/** Both cover exactly the same. */
export function isSameScope(a: GrantScope, b: GrantScope): boolean {
  return a.zone === b.zone && a.pool === b.pool && a.checker === b.checker;
}

/**
 * An operator's permission to go on. It ends an earlier one of the same scope. With no room left, because so many grants
 * hold now, the same ledger comes back.
 */
export function withGrant(ledger: Ledger, grant: LedgerGrant): Ledger {
  const { since, by } = grant;
  const before = withoutGrants(ledger, (known) => isSameScope(known, grant), by, since);
  const kept = keptGrants(before.meta, since);
  const held = kept.filter((known) => grantHolds(known, since));
  if (held.length >= GRANTS_MAX) return ledger;
  const ended = kept.filter((known) => !grantHolds(known, since)).toSorted((a, b) => b.until - a.until);
  return withGrants(ledger, [...held, ...ended.slice(0, GRANTS_MAX - 1 - held.length), grant]);
}

/** Ends the grants that hold and that `ends` names, now. Nothing to end: the same ledger comes back. */
export function withoutGrants(
  ledger: Ledger,
  ends: (grant: LedgerGrant) => boolean,
  by: string,
  now: EpochMillis,
): Ledger {
  const grants = grantsOf(ledger.meta);
  const next = grants.map((grant) =>
    grantHolds(grant, now) && ends(grant) ? { ...grant, until: now, endedBy: by } : grant,
  );
  return next.some((grant, at) => grant !== grants[at]) ? withGrants(ledger, next) : ledger;
}

/** Leaves out the grants that ended long ago. */
export function withoutOldGrants(ledger: Ledger, now: EpochMillis): Ledger {
  const kept = keptGrants(ledger.meta, now);
  return kept.length === grantsOf(ledger.meta).length ? ledger : withGrants(ledger, kept);
}

function keptGrants(meta: LedgerMeta, now: EpochMillis): LedgerGrant[] {
  return grantsOf(meta).filter(({ until }) => until + KEPT > now);
}

/** The old field goes with the first change: versions that read only that one do without, which only holds back. */
export function withGrants(ledger: Ledger, grants: readonly LedgerGrant[]): Ledger {
  const { grant: _old, ...meta } = ledger.meta;
  return { ...ledger, meta: { ...meta, grants } };
}

/** The intent of a repair that a grant covers: it counts as one of the grant's, and grows or narrows it later. */
export function withUse(
  ledger: Ledger,
  subject: GrantSubject,
  now: EpochMillis,
): { readonly ledger: Ledger; readonly grant?: string } {
  const found = grantFor(ledger.meta, subject, now);
  if (found === undefined) return { ledger };
  const used = { ...found, used: found.used + 1 };
  const grants = grantsOf(ledger.meta).map((grant) => (grant.id === found.id ? used : grant));
  return { ledger: withGrants(ledger, grants), grant: found.id };
}

/** Tells the grant under which a repair began what became of it. */
export function withResult(
  ledger: Ledger,
  entry: Pick<LedgerEntry, "grant" | "recoveredAt">,
  outcome: LedgerOutcome | "Recovered",
): Ledger {
  const grants = grantsOf(ledger.meta);
  const next = grants.map((grant) => (grant.id === entry.grant ? grantAfter(grant, entry, outcome) : grant));
  return next.some((grant, at) => grant !== grants[at]) ? withGrants(ledger, next) : ledger;
}

/**
 * Slow start under an operator's grant (G5): as many nodes that are well again as the width doubles it, and a reboot that
 * cured nothing, a relapse among them, begins again at one. A grant is never longer for it.
 */
export function grantAfter(
  grant: LedgerGrant,
  { recoveredAt }: Pick<LedgerEntry, "recoveredAt">,
  outcome: LedgerOutcome | "Recovered",
): LedgerGrant {
  // Its recovery was counted: the proof must not hold up a fleet, nor count twice.
  if (outcome === "Cured" && recoveredAt !== undefined) return grant;
  switch (outcome) {
    case "Recovered":
    case "Cured": {
      const { width, cured } = grant;
      if (cured + 1 < width) return { ...grant, cured: cured + 1 };
      return { ...grant, width: Math.min(2 * width, GRANT_MAX_WIDTH), cured: 0 };
    }
    case "StillBad":
    case "NotExecuted":
      return { ...grant, width: 1, cured: 0 };
    case "Intent":
    case "Accepted":
    case "Unknown":
    case "NotSent":
    case "Rejected":
    case "Gone":
    case "Newer":
      return grant;
    default:
      return outcome satisfies never;
  }
}
