import type { Ledger, LedgerEntry } from "../ledger/ledger.ts";
import { grantFor } from "../ledger/grant.ts";
import { happened, rebootsOf, uncuredInARow } from "../ledger/history.ts";
import type { Clocks } from "../ledger/clocks.ts";
import type { EpochMillis } from "../time.ts";
import { RATE_WINDOWS, type StormPolicy } from "./policy.ts";

/** Budgets in the order in which they are asked. */
export const BUDGETS = ["Node", "Pool", "Zone", "Cluster", "Spacing", "Hour", "Day", "Efficacy"] as const;
export type BudgetName = (typeof BUDGETS)[number];

/** A budget that is used up, and when that may change; without a time only an operator can change it. */
export interface BudgetExceeded {
  readonly budget: BudgetName;
  readonly why: string;
  readonly until?: EpochMillis;
}

/** The VM that asks for a reboot. */
export interface BudgetSubject {
  readonly instanceId: string;
  readonly pool?: string;
  readonly zone?: string;
  /** The failing checkers that ask for it. */
  readonly checkers?: readonly string[];
}

/**
 * An entry counts against budgets while its window is open, unless its node is well again or it never happened. That the
 * repair is not proven to be a cure yet holds no place.
 */
export function isOpen(entry: LedgerEntry, clocks: Clocks): boolean {
  // Of a node that is gone the VM may live on, and boot: its room is free when its window is over.
  const { outcome, recoveredAt } = entry;
  if (outcome === "Newer") return true;
  const over = recoveredAt !== undefined || outcome === "Cured" || !happened(entry);
  return !over && entry.notBefore > clocks.earliest;
}

/** The ledger as the budgets of one VM see it. */
interface Counted {
  readonly done: readonly EpochMillis[];
  readonly own: readonly EpochMillis[];
  /** Open reboots of others. */
  readonly open: readonly LedgerEntry[];
  readonly inPool: readonly LedgerEntry[];
  readonly inZone: readonly LedgerEntry[];
  /** Most open reboots in the cluster. */
  readonly width: number;
}

function countFor(
  subject: BudgetSubject,
  { entries, meta }: Ledger,
  fleetSize: number,
  { budgets }: StormPolicy,
  clocks: Clocks,
): Counted {
  const all = [...entries.values()];
  const open = all.filter((entry) => entry.instanceId !== subject.instanceId && isOpen(entry, clocks));
  const own = entries.get(subject.instanceId);
  const share = Math.floor((fleetSize * budgets.clusterPercent) / 100);
  const width = Math.max(1, Math.min(budgets.cluster, share));
  const grant = grantFor(meta, { checkers: [], ...subject }, clocks.latest);
  return {
    done: all.flatMap((entry) => rebootsOf(entry)),
    own: own === undefined ? [] : rebootsOf(own),
    open,
    inPool: open.filter(({ pool }) => pool !== undefined && pool === subject.pool),
    inZone: open.filter(({ zone }) => zone !== undefined && zone === subject.zone),
    width: grant === undefined ? width : Math.min(width, grant.width),
  };
}

/** The first budget that one more reboot would exceed (guards G1, G5); undefined: there is room. */
export function exceededBudget(
  subject: BudgetSubject,
  ledger: Ledger,
  fleetSize: number,
  policy: StormPolicy,
  clocks: Clocks,
): BudgetExceeded | undefined {
  const { budgets } = policy;
  const { done, own, open, inPool, inZone, width } = countFor(subject, ledger, fleetSize, policy, clocks);
  const lastAt = done.reduce((last, at) => Math.max(last, at), 0);
  return (
    rate("Node", own, budgets.nodePerDay, RATE_WINDOWS.day, clocks) ??
    full("Pool", `${inPool.length} open in pool ${subject.pool ?? "none"}`, inPool, budgets.pool) ??
    full("Zone", `${inZone.length} open in zone ${subject.zone ?? "none"}`, inZone, budgets.zone) ??
    full("Cluster", `${open.length} open in the cluster, ${width} allowed`, open, width) ??
    spaced(lastAt, budgets.spacing, clocks) ??
    rate("Hour", done, budgets.perHour, RATE_WINDOWS.hour, clocks) ??
    rate("Day", done, budgets.perDay, RATE_WINDOWS.day, clocks) ??
    efficacyExceeded(ledger, policy)
  );
}

function full(
  budget: BudgetName,
  why: string,
  open: readonly LedgerEntry[],
  limit: number,
): BudgetExceeded | undefined {
  if (open.length < limit) return undefined;
  return { budget, why, until: Math.min(...open.map(({ notBefore }) => notBefore)) };
}

function spaced(lastAt: EpochMillis, spacing: number, { earliest }: Clocks): BudgetExceeded | undefined {
  const until = lastAt + spacing;
  // None asked for is none: the clocks' difference would be one all the same.
  return spacing > 0 && until > earliest
    ? { budget: "Spacing", why: "the latest reboot was a moment ago", until }
    : undefined;
}

function rate(
  budget: BudgetName,
  done: readonly EpochMillis[],
  limit: number,
  window: number,
  { earliest }: Clocks,
): BudgetExceeded | undefined {
  const recent = done.filter((at) => at > earliest - window).toSorted((a, b) => a - b);
  const oldestThatCounts = recent.at(-limit);
  if (oldestThatCounts === undefined) return undefined;
  const span = window === RATE_WINDOWS.hour ? "hour" : "day";
  const whose = budget === "Node" ? " of this VM" : "";
  const why = `${recent.length} reboots${whose} within the ${span}`;
  return { budget, why, until: oldestThatCounts + window };
}

/** The latest reboots of different VMs, and none of them cured anything: more of the same will not help (G5). */
export function efficacyExceeded(ledger: Ledger, { uncured }: StormPolicy): BudgetExceeded | undefined {
  const hopeless = uncuredInARow(ledger).length >= uncured;
  if (!hopeless) return undefined;
  return {
    budget: "Efficacy",
    why: `the latest ${uncured} reboots cured nothing; an operator must grant more`,
  };
}
