import { LOG_EVENTS } from "@node-agent/shared/contract/log-events.ts";
import { grantHolds, grantsOf, scopeText } from "@node-agent/shared/core/ledger/grant.ts";
import type { LedgerGrant, LedgerMeta } from "@node-agent/shared/core/ledger/ledger.ts";
import { scopeKindOf } from "@node-agent/shared/core/ledger/standing-orders.ts";
import type { EpochMillis, Millis } from "@node-agent/shared/core/time.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import type { RebootLedger } from "@node-agent/shared/ports/ledger.ts";
import type { Logger } from "@node-agent/shared/runtime/logger.ts";
import type { GrantSample } from "@node-agent/shared/runtime/metrics/scrape.ts";

/** What grants are watched with. */
export interface GrantWatchDeps {
  readonly clock: Clock;
  readonly logger: Pick<Logger, "warn" | "info">;
  /** After so long without a reading nothing is known of grants. */
  readonly fresh: Millis;
}

/** The grants of one reading, and when it was. */
interface Seen {
  readonly grants: readonly LedgerGrant[];
  readonly told: EpochMillis;
  readonly at: Millis;
}

/** A grant whose beginning was told, and whether its end was: an end is told once, whatever the clocks say later. */
interface Told {
  readonly grant: LedgerGrant;
  readonly ended: boolean;
}

/**
 * The grants in force, as this worker sees them: a decorator around the ledger, which is read for other reasons often
 * enough. One line when a grant begins to hold and one when it does not any more.
 */
export class GrantWatch {
  readonly #deps: GrantWatchDeps;
  /** By id, as long as the ledger holds them. */
  readonly #told = new Map<string, Told>();
  #seen: Seen | undefined;
  #turns = 0;
  #latest = 0;

  constructor(deps: GrantWatchDeps) {
    this.#deps = deps;
  }

  /** The same ledger, whose answers tell the grants. */
  ledger(ledger: RebootLedger): RebootLedger {
    return {
      read: async (signal) => {
        const turn = this.#turn();
        const reading = await ledger.read(signal);
        if (reading.state === "Found") this.#see(turn, reading.ledger.meta, reading.serverTime);
        else this.#seen = undefined;
        return reading;
      },
      compareAndWrite: async (next, seen, signal) => {
        const turn = this.#turn();
        const write = await ledger.compareAndWrite(next, seen, signal);
        if (write.outcome === "Written") this.#see(turn, next.meta, undefined);
        return write;
      },
    };
  }

  /** The grants in force now; undefined: that is not known. */
  sample(): readonly GrantSample[] | undefined {
    const now = this.#now();
    if (this.#seen === undefined || now - this.#seen.told > this.#deps.fresh) return undefined;
    return this.#seen.grants
      .filter((grant) => grantHolds(grant, now))
      .map((grant) => ({ scope: scopeKindOf(grant), endsIn: grant.until - now }));
  }

  #turn(): number {
    this.#turns += 1;
    return this.#turns;
  }

  /** The server's clock, carried on by our monotonic one. */
  #now(): EpochMillis {
    const { clock } = this.#deps;
    return this.#seen === undefined ? clock.now() : this.#seen.told + clock.monotonic() - this.#seen.at;
  }

  #see(turn: number, meta: LedgerMeta, told: EpochMillis = this.#now()): void {
    // An answer that was overtaken by a later question is older than what is known.
    if (turn < this.#latest) return;
    this.#latest = turn;
    const grants = grantsOf(meta);
    this.#seen = { grants, told, at: this.#deps.clock.monotonic() };
    for (const [id, before] of this.#told) {
      const current = grants.find((grant) => grant.id === id);
      this.#end(before, current, told);
      if (current === undefined) this.#told.delete(id);
    }
    for (const grant of grants) if (grantHolds(grant, told)) this.#begin(grant);
  }

  #begin(grant: LedgerGrant): void {
    const { id, by, reason, until, count } = grant;
    if (this.#told.has(id)) return;
    this.#told.set(id, { grant, ended: false });
    this.#deps.logger.warn(
      {
        event: LOG_EVENTS.grantBegan,
        grant: id,
        scope: scopeText(grant),
        by,
        reason,
        until: new Date(until).toISOString(),
        ...(count === undefined ? {} : { count }),
      },
      "a grant lets repairs go on",
    );
  }

  /** `current`: what the ledger says of it now; undefined: nothing. */
  #end({ grant, ended }: Told, current: LedgerGrant | undefined, now: EpochMillis): void {
    const why = whyEnded(current, now);
    if (ended || why === undefined) return;
    this.#told.set(grant.id, { grant, ended: true });
    const { id, by, used } = current ?? grant;
    this.#deps.logger.info(
      { event: LOG_EVENTS.grantEnded, grant: id, scope: scopeText(grant), by, used, why },
      "a grant ended",
    );
  }
}

/** Undefined: it holds still, also where a server whose clock is behind says that it has not begun. */
function whyEnded(grant: LedgerGrant | undefined, now: EpochMillis): string | undefined {
  if (grant === undefined) return "the ledger does not hold it any more";
  const { endedBy, until, count = Infinity, used } = grant;
  if (endedBy !== undefined) return `ended by ${endedBy}`;
  if (until <= now) return "its time is over";
  return used >= count ? "as many repairs began as it was given for" : undefined;
}
