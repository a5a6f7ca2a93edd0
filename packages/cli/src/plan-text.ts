import type { StandingOrders } from "@node-agent/shared/core/ledger/standing-orders.ts";
import type { HeldRepair, Plan } from "@node-agent/shared/core/plan/plan.ts";
import type { LimitUse } from "@node-agent/shared/core/storm/limits.ts";
import type { EpochMillis } from "@node-agent/shared/core/time.ts";
import { standingGrantText, standingPauseText } from "./orders-text.ts";
import { factsText, tableText, whenText } from "./text.ts";

/** Most nodes that one line names; `-o json` has all of them. */
const MOST_NAMED = 5;

/** What a plan is of. */
interface PlanOf {
  readonly cluster: string;
  readonly mode: "active" | "monitor-only";
  /** Pauses and grants in force; absent: the ledger was not read. */
  readonly orders?: StandingOrders;
}

/** A plan for a person. Repairs that one gate holds for one reason are one line. */
export function planText(
  { at, use, proceed, held, look, idle }: Plan,
  { cluster, mode, orders }: PlanOf,
): string {
  const begins = mode === "active" ? "begin now" : "would begin now";
  const facts: [string, string][] = [
    ["Cluster", cluster],
    ["Mode", mode === "active" ? mode : "monitor-only: nothing is repaired; this is what would be"],
    ...(orders?.pauses ?? []).map((pause): [string, string] => ["Paused", standingPauseText(pause)]),
    ...(orders?.grants ?? []).map((grant): [string, string] => ["Grant", standingGrantText(grant, at)]),
    ...(use === undefined ? [] : [["Limits", limitsText(use)] satisfies [string, string]]),
    ["Repairs", `${proceed.length} ${begins}, ${held.length} held, ${idle.length} failing without a repair`],
  ];
  const rows = [
    ...(proceed.length === 0 ? [] : [["-", "-", namesText(proceed.map(({ node }) => node)), begins]]),
    ...groupsOf(held).map((group) => rowOf(group, at)),
  ];
  if (look.length > 0)
    rows.push(["-", "-", namesText(look), "looks once at the pods of its agent, although it is held"]);
  if (rows.length === 0) return factsText(facts);
  return [factsText(facts), tableText(["GATE", "ENDS", "NODES", "WHY"], rows)].join("\n");
}

/** How far the agent could go now, and in this hour. */
function limitsText({ open, hour }: LimitUse): string {
  const left = Math.max(0, hour.most - hour.used);
  return `${open.used} of ${open.most} repairs open; ${hour.used} of ${hour.most} begun within the hour, ${left} left`;
}

/** Equal reasons folded, in the order of the oldest repair of each. */
function groupsOf(held: readonly HeldRepair[]): (readonly HeldRepair[])[] {
  return [...Map.groupBy(held, ({ gate, why }) => `${gate} ${why}`).values()];
}

function rowOf(group: readonly HeldRepair[], now: EpochMillis): string[] {
  const [first] = group;
  const ends = group.flatMap((hold) => hold.ends ?? []);
  const soonest = ends.length === 0 ? "when it changes" : whenText(Math.min(...ends), now);
  return [first?.gate ?? "-", soonest, namesText(group.map(({ node }) => node)), first?.why ?? ""];
}

function namesText(names: readonly string[]): string {
  const rest = names.length - MOST_NAMED;
  const shown = names.slice(0, MOST_NAMED).join(", ");
  return rest > 0 ? `${shown} and ${rest} more` : shown;
}
