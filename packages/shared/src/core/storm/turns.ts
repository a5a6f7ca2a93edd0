/**
 * Whose turn it is when a budget has room again: whoever has waited longest. Nodes that a shared budget holds stand in a
 * line, each until the time of its next look; what is free goes to the first of those that wait for the same room. The
 * line is a hint: it puts a reboot off, and never makes one.
 */
import type { NodeRecord } from "../record.ts";
import type { EpochMillis, Millis } from "../time.ts";
import type { BudgetName, Room } from "./budgets.ts";

/** A node that waits for room in a budget. */
export interface Waiting {
  readonly node: string;
  /** Since when its reboot could have been made, had there been room. */
  readonly since: EpochMillis;
  readonly budget: BudgetName;
  readonly pool?: string;
  readonly zone?: string;
  /** When it looks again. */
  readonly until: EpochMillis;
}

/** Room that somebody else may take: of the others a node has its own. */
const SHARED: ReadonlySet<BudgetName> = new Set(["Pool", "Zone", "Cluster", "Spacing", "Hour", "Day"]);

/** Whether a node that this budget holds stands in the line. */
export function waitsInLine(budget: BudgetName): boolean {
  return SHARED.has(budget);
}

/** Since when this node has waited for its next reboot: its incident began, or its latest wait ended. */
export function waitingSince({ incident, lastReboot, phaseSince }: NodeRecord): EpochMillis {
  return Math.max(incident?.startedAt ?? phaseSince, lastReboot?.waitUntil ?? 0);
}

/** What a node waits for: the same room for all that share a budget. */
export function roomOf({ budget, pool, zone }: Pick<Waiting, "budget" | "pool" | "zone">): string {
  if (budget === "Pool") return `pool ${pool ?? ""}`;
  return budget === "Zone" ? `zone ${zone ?? ""}` : "cluster";
}

/** The first in line for each room; those who did not look again in time, plus `patience`, are gone. */
export function firstInLine(line: readonly Waiting[], now: EpochMillis, patience: Millis): Waiting[] {
  const heads = new Map<string, Waiting>();
  for (const one of line) {
    if (now >= one.until + patience) continue;
    const head = heads.get(roomOf(one));
    if (head === undefined || byWaiting(one, head) < 0) heads.set(roomOf(one), one);
  }
  return [...heads.values()].toSorted(byWaiting);
}

/** No room at all: whoever is older stands before everybody. */
const NO_ROOM: Room = { pool: 0, zone: 0, cluster: 0 };

/**
 * Who stands before this node for room that it would take; undefined: it is its turn, since there is enough for all that
 * have waited longer, too.
 */
export function beforeInLine(
  line: readonly Waiting[],
  subject: Pick<Waiting, "node" | "since" | "pool" | "zone">,
  now: EpochMillis,
  patience: Millis,
  room: Room = NO_ROOM,
): Waiting | undefined {
  const older = line
    .filter((one) => now < one.until + patience && sharesRoom(one, subject) && byWaiting(one, subject) < 0)
    .toSorted(byWaiting);
  for (const kind of ["pool", "zone", "cluster"] as const) {
    const claims = older.filter((one) => kindOf(one) === kind);
    const [first] = claims;
    if (first !== undefined && claims.length >= room[kind]) return first;
  }
  return undefined;
}

function kindOf({ budget }: Waiting): keyof Room {
  if (budget === "Pool") return "pool";
  return budget === "Zone" ? "zone" : "cluster";
}

function sharesRoom({ budget, pool, zone }: Waiting, subject: Pick<Waiting, "pool" | "zone">): boolean {
  if (budget === "Pool") return pool === subject.pool;
  return budget === "Zone" ? zone === subject.zone : true;
}

function byWaiting(a: Pick<Waiting, "since" | "node">, b: Pick<Waiting, "since" | "node">): number {
  if (a.since !== b.since) return a.since - b.since;
  return a.node < b.node ? -1 : Number(a.node > b.node);
}
