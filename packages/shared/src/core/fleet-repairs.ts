/** What would be repaired now, as far as the nodes and the records tell: the same gates that a repair passes. */
import { CHECKER_NAMES, type CheckerName, type RepairAction } from "./check.ts";
import { defined } from "./defined.ts";
import { askingCheckers } from "./due.ts";
import type { GateInput, GateName, GateVerdict } from "./gates/gate.ts";
import { gateVerdicts } from "./gates/list.ts";
import { judgedAnew, type Rules } from "./judge.ts";
import { grantFor } from "./ledger/grant.ts";
import type { Ledger } from "./ledger/ledger.ts";
import { placeOf, type NodeSnapshot } from "./node.ts";
import { pausesOf } from "./pause.ts";
import type { Phase } from "./phase.ts";
import type { NodeRecord, ObservedMillis } from "./record.ts";
import { breakerOf, type Breaker } from "./storm/breaker.ts";
import { fleetNode } from "./storm/fleet-node.ts";
import { fleetHealth, type FleetHealth } from "./storm/fleet.ts";
import type { EpochMillis, Millis } from "./time.ts";

/** The observation clock of the watchers, as Redis has it. */
export interface ViewReading {
  readonly observed: ObservedMillis;
  /** Undefined: no watcher ever saw the cluster. */
  readonly age: Millis | undefined;
  readonly steady: Millis;
}

/** A node of the cluster; `selected` is false when the configuration leaves it out. */
export interface SummaryNode {
  readonly snapshot: NodeSnapshot;
  readonly selected: boolean;
}

/** What workers keep in Redis. Absent from a summary: it could not be read. */
export interface FleetState {
  /** By node name. */
  readonly records: ReadonlyMap<string, NodeRecord>;
  readonly view: ViewReading;
}

/**
 * `Due`: no gate that could be asked holds it. `Waits`: for a span that ends by itself. `Held`: a gate holds it. `None`:
 * no repair comes of it, because no checker asks for one or the attempts are used up.
 */
export type RepairState = "Due" | "Waits" | "Held" | "None";

/** A selected node that fails now. */
export interface FailingNode {
  readonly node: string;
  readonly pool?: string;
  readonly zone?: string;
  /** As its record has it; absent without a record. */
  readonly phase?: Phase;
  readonly failing: readonly FailingChecker[];
  readonly repair: RepairState;
  /** Every gate that holds it, in the order of asking; `until` only where that is its end. */
  readonly holds: readonly {
    readonly gate: GateName;
    readonly why: string;
    readonly until?: EpochMillis;
  }[];
}

/** A checker that fails; `since` is absent without a record: nobody knows when it began. */
export interface FailingChecker {
  readonly checker: CheckerName;
  readonly reason: string;
  readonly action: RepairAction;
  readonly since?: EpochMillis;
}

/** Gates whose facts only a worker has: the ledger, pods, the cloud, the moment of the call. */
export const NOT_ASKED: readonly GateName[] = [
  "Ledger",
  "CureRate",
  "Limit",
  "OwnNode",
  "Cloud",
  "PodEvidence",
  "RateLimit",
  "Deadline",
  "Queue",
];
const UNASKED: ReadonlySet<GateName> = new Set(NOT_ASKED);

/** The selected nodes that fail, by name. */
export function failingNodes(
  nodes: readonly SummaryNode[],
  state: FleetState | undefined,
  rules: Rules,
  now: EpochMillis,
  ledger?: Ledger,
): FailingNode[] {
  const { checkers, policy } = rules;
  const fleet = fleetHealth(
    nodes.map(({ snapshot, selected }) =>
      fleetNode(snapshot, state?.records.get(snapshot.name), { checkers, policy, selected }, now),
    ),
  );
  const world = { fleet, breaker: breakerOf(fleet, policy.breaker, now, ledger), ledger };
  const clock = { now, observed: state?.view.observed ?? 0 };
  return nodes
    .filter(({ selected }) => selected)
    .flatMap(({ snapshot }) => {
      const stored = state?.records.get(snapshot.name);
      const record = judgedAnew(snapshot, { record: stored, damaged: false }, rules, clock);
      if (Object.keys(record.failing).length === 0) return [];
      return [failingNode({ snapshot, stored, record, state, rules, now, ...world })];
    })
    .toSorted((a, b) => (a.node < b.node ? -1 : 1));
}

interface Asked {
  readonly snapshot: NodeSnapshot;
  readonly stored: NodeRecord | undefined;
  readonly record: NodeRecord;
  readonly state: FleetState | undefined;
  readonly rules: Rules;
  readonly now: EpochMillis;
  readonly fleet: FleetHealth;
  readonly breaker: Breaker;
  /** Its pauses and grants count; what it says of a VM is not asked here. */
  readonly ledger: Ledger | undefined;
}

function failingNode(asked: Asked): FailingNode {
  const { snapshot, stored, record, rules } = asked;
  const holding = gateVerdicts(gateInput(asked)).filter(({ gate, open }) => !open && isAsked(gate, asked));
  return {
    node: snapshot.name,
    ...placeOf(snapshot),
    ...defined({ phase: stored?.phase }),
    failing: CHECKER_NAMES.flatMap((checker) => failingChecker(checker, stored, record, rules) ?? []),
    repair: repairOf(holding),
    holds: holding.map(holdOf),
  };
}

function failingChecker(
  checker: CheckerName,
  stored: NodeRecord | undefined,
  { failing }: NodeRecord,
  { policy }: Rules,
): FailingChecker | undefined {
  const reason = failing[checker]?.reason;
  if (reason === undefined) return undefined;
  const since = stored?.failing[checker]?.since;
  const { action } = policy.checkers[checker];
  return { checker, reason, action, ...defined({ since }) };
}

function holdOf(verdict: GateVerdict): FailingNode["holds"][number] {
  const { gate, why, until } = verdict;
  return { gate, why, ...defined({ until: endsByItself(verdict) ? until : undefined }) };
}

/** Without the view of the watchers nothing is known of blindness; what was not read is not held against the node. */
function isAsked(gate: GateName, { state }: Asked): boolean {
  return !UNASKED.has(gate) && (gate !== "Blind" || state !== undefined);
}

/** Work of another controller counts as held, also while its end is known. */
function endsByItself({ gate, ends }: GateVerdict): boolean {
  return ends === true && gate !== "PlannedWork";
}

function repairOf(holding: readonly GateVerdict[]): RepairState {
  // A gate without a time ends the pending repair: nothing comes of this failure until something changes.
  if (holding.some(({ until }) => until === undefined)) return "None";
  if (!holding.every(endsByItself)) return "Held";
  return holding.length > 0 ? "Waits" : "Due";
}

function gateInput({ snapshot, record, state, rules, now, fleet, breaker, ledger }: Asked): GateInput {
  const { policy } = rules;
  const observed = state?.view.observed ?? 0;
  const { name } = snapshot;
  const place = placeOf(snapshot);
  const subject = { ...place, checkers: askingCheckers(record, policy) };
  const grant = ledger && grantFor(ledger.meta, subject, now);
  return {
    record,
    policy,
    now,
    observed,
    viewAge: state?.view.age,
    ...defined({ viewSteady: state?.view.steady }),
    pauses: pausesOf({ name, pool: place.pool, snapshot }, policy.paused, ledger),
    selected: true,
    node: snapshot,
    fleet,
    breaker,
    ...(grant === undefined ? {} : { ledger: { grant } }),
  };
}
