/** The one look at Redis that a plan is made of; the planner of a worker and `node-agent plan` take the same. */
import { rebootProgressSchema, type RebootProgress } from "../contract/queues.ts";
import { GATES, type GateName } from "../core/gates/gate.ts";
import type { Rules } from "../core/judge.ts";
import type { NodeSnapshot } from "../core/node.ts";
import type { FoundHold } from "../core/plan/doubts.ts";
import type { PlanInput, PlannedNode } from "../core/plan/plan.ts";
import type { NodeRecord } from "../core/record.ts";
import { MINUTE, type EpochMillis, type Millis } from "../core/time.ts";
import type { PlanStore } from "../ports/plan-store.ts";
import type { QueuedReboot, RebootQueue } from "../ports/reboot-queue.ts";
import type { StateStore } from "../ports/state-store.ts";

/** Where a plan is read from. */
export interface PlanSources {
  readonly store: Pick<StateStore, "view" | "listUnhealthy" | "snapshotsOf">;
  readonly plans: Pick<PlanStore, "census">;
  readonly queue: Pick<RebootQueue, "list">;
  readonly rules: Rules;
  /** Whether the configuration selects a node. */
  readonly selects: (node: NodeSnapshot) => boolean;
  /** How soon a repair must fall due to be planned now. */
  readonly horizon: Millis;
}

/** What a plan is made of, but the ledger; and the records and pending reboots by node. */
export interface PlanLook {
  readonly input: Omit<PlanInput, "ledger">;
  readonly records: ReadonlyMap<string, NodeRecord>;
  readonly reboots: ReadonlyMap<string, QueuedReboot>;
}

/** What a transaction found keeps its repair from being tried again for no longer than this. */
const LONGEST_FOUND: Millis = MINUTE;

/** Gates of which a plan knows as much as a transaction: what one said of them is not remembered. */
const PLANNED: ReadonlySet<GateName> = new Set([
  "NothingFailing",
  "Threshold",
  "WaitWindow",
  "Settle",
  "Attempts",
  "CureRate",
  "Limit",
]);

/** Gates that a transaction asks after it has looked at the node and at what runs there. */
const LOOKED: ReadonlySet<string> = new Set<GateName>(["Breaker", "CureRate", "Limit", "PodEvidence"]);

/** Reads what a plan is made of. Throws when Redis fails. */
export async function lookForPlan(sources: PlanSources): Promise<PlanLook> {
  const { store, plans, queue, rules, selects, horizon } = sources;
  const [listed, queued] = await Promise.all([store.listUnhealthy(), queue.list()]);
  const [snapshots, census] = await Promise.all([
    store.snapshotsOf(listed.map(({ name }) => name)),
    plans.census(),
  ]);
  // Last: what is judged by this view was stored before it.
  const view = await store.view();
  const reboots = new Map(queued.map((reboot) => [reboot.node, reboot]));
  const nodes = listed.map((record) =>
    plannedNode(record, snapshots.get(record.name), reboots.get(record.name), view.now),
  );
  const told = census === undefined ? {} : { census };
  return {
    input: { nodes, ...told, rules, selects, view, horizon },
    records: new Map(listed.map((record) => [record.name, record])),
    reboots,
  };
}

/** What a pending reboot shows of itself; bytes that it cannot have written count as nothing. */
export function progressIn(progress: unknown): RebootProgress | undefined {
  if (typeof progress !== "object" || progress === null) return undefined;
  const known = READ.get(progress);
  if (known !== undefined) return known;
  const parsed = rebootProgressSchema.safeParse(progress);
  if (!parsed.success) return undefined;
  READ.set(progress, parsed.data);
  return parsed.data;
}

/** What was read of progress that stood the same way before. */
const READ = new WeakMap<object, RebootProgress>();

function plannedNode(
  record: NodeRecord,
  snapshot: NodeSnapshot | undefined,
  reboot: QueuedReboot | undefined,
  now: EpochMillis,
): PlannedNode {
  const said = progressIn(reboot?.progress);
  const own = said?.by === "plan" ? undefined : said;
  const found = own === undefined ? undefined : foundBy(own, now);
  return {
    record,
    ...(snapshot === undefined ? {} : { snapshot }),
    ...(found === undefined ? {} : { found }),
    ...(own !== undefined && LOOKED.has(own.waitsFor) ? { looked: true } : {}),
  };
}

/** What its own transaction found lately. */
function foundBy(said: RebootProgress, now: EpochMillis): FoundHold | undefined {
  if (said.until === undefined) return undefined;
  const gate = GATES.find((name) => name === said.waitsFor);
  if (gate === undefined || PLANNED.has(gate)) return undefined;
  return { gate, why: said.why, until: Math.min(Date.parse(said.until), now + LONGEST_FOUND) };
}
