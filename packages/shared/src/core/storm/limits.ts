import type { CheckerName } from "../check.ts";
import { grantFor } from "../ledger/grant.ts";
import type { Clocks } from "../ledger/clocks.ts";
import { isOpen, rebootsOf } from "../ledger/history.ts";
import type { Ledger, LedgerEntry, LedgerGrant } from "../ledger/ledger.ts";
import { DAY, HOUR, type EpochMillis } from "../time.ts";
import type { BreakerSubject } from "./breaker.ts";
import { CureRates, type CureHold } from "./cure-rate.ts";
import type { FleetHealth } from "./fleet.ts";
import { allowed, type CureRatePolicy, type LimitPolicy } from "./policy.ts";

/** The limits, in the order in which they are asked. A closed set. */
export const LIMITS = ["Node", "Grant", "Pool", "Zone", "Cluster", "Rate"] as const;
export type LimitName = (typeof LIMITS)[number];

/** A limit that holds a repair; without a time only an operator or a result can change it. */
export interface Held {
  readonly limit: LimitName;
  readonly why: string;
  readonly until?: EpochMillis;
}

/** The VM that asks for a repair. */
export interface LimitSubject extends BreakerSubject {
  readonly instanceId: string;
  /** The one that the repair is counted for. */
  readonly checker?: CheckerName;
  /** A breaker holds it, and only an operator's grant lets it pass: the slow start of that grant counts. */
  readonly granted?: boolean;
}

/** What limits and cure rate are told. */
export interface LimitRules {
  readonly limits: LimitPolicy;
  readonly cureRate: CureRatePolicy;
}

/** The limits of the cluster in use: repairs that are open, and that began within the hour. */
export interface LimitUse {
  readonly open: { readonly used: number; readonly most: number };
  readonly hour: { readonly used: number; readonly most: number };
}

/** The scope of all repairs; its name in words. */
const CLUSTER = "the cluster";

/** The open repairs of one scope. */
interface Scope {
  open: number;
  /** When the first of them ends its window. */
  freeAt: EpochMillis;
}

/**
 * The limits of one ledger (guards G1, G5), counted once: each question costs the same, however many repairs there are.
 * `take` counts one more repair that begins now, so that one pass over a fleet sees what it decided itself.
 */
export class Limits {
  readonly #ledger: Ledger;
  readonly #policy: LimitPolicy;
  readonly #sizes: FleetSizes;
  readonly #clocks: Clocks;
  readonly #cures: CureRates;
  readonly #scopes = new Map<string, Scope>();
  /** Repairs that began within the hour, oldest first. */
  readonly #begun: EpochMillis[];
  /** Repairs that `take` counted under each grant. */
  readonly #taken = new Map<string, number>();

  constructor(ledger: Ledger, sizes: FleetSizes, { limits, cureRate }: LimitRules, clocks: Clocks) {
    this.#ledger = ledger;
    this.#policy = limits;
    this.#sizes = sizes;
    this.#clocks = clocks;
    this.#cures = new CureRates(ledger, cureRate, clocks);
    const oldest = clocks.earliest - HOUR;
    const begun: EpochMillis[] = [];
    for (const entry of ledger.entries.values()) {
      for (const at of rebootsOf(entry)) if (at > oldest) begun.push(at);
      if (!isOpen(entry, clocks)) continue;
      for (const scope of scopesOf(entry)) this.#count(scope, entry.notBefore);
    }
    this.#begun = begun.toSorted((a, b) => a - b);
  }

  /** How much of the cluster's limits is used, and how much they allow. */
  use(): LimitUse {
    const { open, rate } = this.#policy;
    const { nodes } = this.#sizes;
    return {
      open: { used: this.#scopes.get(CLUSTER)?.open ?? 0, most: allowed(open.cluster, nodes) },
      hour: { used: this.#begun.length, most: allowed(rate, nodes) },
    };
  }

  /** One more repair begins now. */
  take(subject: LimitSubject): void {
    const { checker, pool } = subject;
    // The ledger counts it as one of the grant's as well, whether it needed the grant or not.
    const grant = this.#grantOf(subject);
    if (grant !== undefined) this.#taken.set(grant.id, (this.#taken.get(grant.id) ?? 0) + 1);
    const place = { ...subject, ...(grant === undefined ? {} : { grant: grant.id }) };
    for (const scope of scopesOf(place)) this.#count(scope, Infinity);
    if (checker !== undefined) this.#cures.take({ checker, ...(pool === undefined ? {} : { pool }) });
    this.#begun.push(this.#clocks.latest);
  }

  /** Whether repairs of this checker in this pool help (guard G5). */
  cureRate(subject: LimitSubject): CureHold | undefined {
    return subject.checker === undefined ? undefined : this.#cures.ask(subject);
  }

  /** The first limit that one more repair would exceed. */
  limit(subject: LimitSubject): Held | undefined {
    const { open } = this.#policy;
    const { pool, zone } = subject;
    const { nodes, byPool, byZone } = this.#sizes;
    return (
      this.#ofNode(subject) ??
      this.#ofGrant(subject) ??
      (pool === undefined
        ? undefined
        : this.#full("Pool", `pool ${pool}`, allowed(open.pool, byPool.get(pool) ?? 0), subject)) ??
      (zone === undefined
        ? undefined
        : this.#full("Zone", `zone ${zone}`, allowed(open.zone, byZone.get(zone) ?? 0), subject)) ??
      this.#full("Cluster", CLUSTER, allowed(open.cluster, nodes), subject) ??
      this.#rate(allowed(this.#policy.rate, nodes))
    );
  }

  #full(limit: LimitName, key: string, most: number, { instanceId }: LimitSubject): Held | undefined {
    const scope = this.#scopes.get(key);
    // A VM takes its own place again: whether its window is over is asked elsewhere.
    const own = this.#ledger.entries.get(instanceId);
    const mine = own !== undefined && isOpen(own, this.#clocks) && scopesOf(own).includes(key) ? 1 : 0;
    const open = (scope?.open ?? 0) - mine;
    if (scope === undefined || open < most) return undefined;
    return held(limit, `${open} open in ${key}, ${most} allowed`, scope.freeAt);
  }

  #ofNode({ instanceId }: LimitSubject): Held | undefined {
    const own = this.#ledger.entries.get(instanceId);
    const most = this.#policy.nodePerDay;
    const oldest = this.#clocks.earliest - DAY;
    const begun = own === undefined ? [] : rebootsOf(own).filter((at) => at > oldest);
    const counts = begun.toSorted((a, b) => a - b).at(-most);
    if (counts === undefined) return undefined;
    return held("Node", `${begun.length} repairs of this VM within the day`, counts + DAY);
  }

  #rate(most: number): Held | undefined {
    const counts = this.#begun.at(-most);
    if (counts === undefined) return undefined;
    const why = `${this.#begun.length} repairs began within the hour, ${most} allowed`;
    return held("Rate", why, counts + HOUR);
  }

  #ofGrant(subject: LimitSubject): Held | undefined {
    const grant = subject.granted === true ? this.#grantOf(subject) : undefined;
    if (grant === undefined) return undefined;
    const { id, width, count = Infinity, used } = grant;
    const left = count - used - (this.#taken.get(id) ?? 0);
    if (left <= 0) return held("Grant", `the ${count} repairs that were granted have begun`, Infinity);
    return this.#full("Grant", grantKey(id), width, subject);
  }

  #grantOf(subject: LimitSubject): LedgerGrant | undefined {
    return grantFor(this.#ledger.meta, subject, this.#clocks.latest);
  }

  #count(key: string, freeAt: EpochMillis): void {
    const scope = this.#scopes.get(key);
    if (scope === undefined) this.#scopes.set(key, { open: 1, freeAt });
    else {
      scope.open += 1;
      scope.freeAt = Math.min(scope.freeAt, freeAt);
    }
  }
}

/** How many nodes there are. */
export type FleetSizes = Pick<FleetHealth, "nodes" | "byPool" | "byZone">;

/** A fleet that was not counted: every share of it is the least. */
export const UNCOUNTED: FleetSizes = { nodes: 0, byPool: new Map(), byZone: new Map() };

function held(limit: LimitName, why: string, until: EpochMillis): Held {
  return { limit, why, ...(until === Infinity ? {} : { until }) };
}

/** Keys of scopes are their names in words. */
function scopesOf({ pool, zone, grant }: Pick<LedgerEntry, "pool" | "zone" | "grant">): string[] {
  return [
    CLUSTER,
    ...(pool === undefined ? [] : [`pool ${pool}`]),
    ...(zone === undefined ? [] : [`zone ${zone}`]),
    ...(grant === undefined ? [] : [grantKey(grant)]),
  ];
}

function grantKey(id: string): string {
  return `grant ${id}`;
}
