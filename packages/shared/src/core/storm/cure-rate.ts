import { defined } from "../defined.ts";
import { grantedSince } from "../ledger/grant.ts";
import type { Clocks } from "../ledger/clocks.ts";
import type { Ledger, LedgerEntry } from "../ledger/ledger.ts";
import { curedNothing, isInFlight, mayBeCure } from "../ledger/history.ts";
import { DAY } from "../time.ts";
import type { CureRatePolicy } from "./policy.ts";

/** What the cure rate makes of one checker in one pool. */
export const CURE_RATES = ["Slow", "Stopped"] as const;
export type CureRateName = (typeof CURE_RATES)[number];

/** Why the cure rate slows or stops repairs. */
export interface CureHold {
  readonly rate: CureRateName;
  readonly why: string;
}

/** The repairs of one checker in one pool. */
export interface CureGroup {
  readonly checker: string;
  readonly pool?: string;
}

/** What repairs of one checker in one pool have done lately. */
interface Results {
  readonly group: CureGroup;
  /** How many of the latest results were cures: at index n, of the latest n. */
  readonly cures: readonly number[];
  /** Repairs that may still cure: open, without a result. */
  inFlight: number;
}

/** The cure rates of one ledger, counted once. */
export class CureRates {
  readonly #policy: CureRatePolicy;
  readonly #groups = new Map<string, Results>();

  /** Looks at the repairs of the latest day; those before the latest grant over them are no evidence any more. */
  constructor({ entries, meta }: Ledger, policy: CureRatePolicy, clocks: Clocks) {
    this.#policy = policy;
    const oldest = clocks.earliest - DAY;
    const groups = Map.groupBy(
      [...entries.values()].filter(({ at }) => at > oldest),
      groupKey,
    );
    for (const [key, group] of groups) {
      const fresh = group.filter((entry) => entry.at > grantedSince(meta, entry));
      const { checker, pool } = group[0] ?? {};
      if (checker === undefined || fresh.length === 0) continue;
      this.#groups.set(key, resultsOf({ checker, ...defined({ pool }) }, fresh, clocks));
    }
  }

  /** Why this checker repairs nothing more in this pool, or only one node at a time; undefined: its repairs help. */
  ask(group: Partial<CureGroup>): CureHold | undefined {
    const results = this.#groups.get(groupKey(group));
    if (results === undefined) return undefined;
    const { latest, minimum, slowBelow, stopBelow } = this.#policy;
    const {
      cures,
      inFlight,
      group: { checker, pool = "none" },
    } = results;
    const told = Math.min(cures.length - 1, latest);
    const cured = cures[told] ?? 0;
    const whose = `repairs of ${checker} in pool ${pool}`;
    if (told >= minimum && cured * 100 < stopBelow * told) {
      return {
        rate: "Stopped",
        why: `${cured} of the latest ${told} ${whose} cured; ${stopBelow} % must`,
      };
    }
    // With many in flight as many results are looked at: a fleet that is cured as it goes is not slowed down.
    const looked = Math.min(cures.length - 1, Math.max(latest, inFlight));
    const well = cures[looked] ?? 0;
    const all = looked + inFlight;
    if (inFlight === 0 || all < minimum || well * 100 >= slowBelow * all) return undefined;
    const why = `one at a time: ${well} of the latest ${all} ${whose} cured, with ${inFlight} in flight`;
    return { rate: "Slow", why };
  }

  /** Checkers that repair nothing more in a pool, and why. */
  stopped(): readonly (CureGroup & { readonly why: string })[] {
    return [...this.#groups.values()].flatMap(({ group }) => {
      const found = this.ask(group);
      return found?.rate === "Stopped" ? [{ ...group, why: found.why }] : [];
    });
  }

  /** One more repair of this group begins. */
  take(group: CureGroup): void {
    const results = this.#groups.get(groupKey(group));
    if (results === undefined) this.#groups.set(groupKey(group), { group, cures: [0], inFlight: 1 });
    else results.inFlight += 1;
  }
}

function resultsOf(group: CureGroup, entries: readonly LedgerEntry[], clocks: Clocks): Results {
  const told = entries
    .filter((entry) => mayBeCure(entry) || curedNothing(entry))
    .toSorted((a, b) => b.seq - a.seq);
  const cures = [0];
  for (const entry of told) cures.push((cures.at(-1) ?? 0) + Number(mayBeCure(entry)));
  return { group, cures, inFlight: entries.filter((entry) => isInFlight(entry, clocks)).length };
}

function groupKey({ checker = "", pool = "" }: Partial<CureGroup>): string {
  return `${checker} ${pool}`;
}
