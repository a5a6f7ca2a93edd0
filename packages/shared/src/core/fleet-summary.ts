/**
 * The fleet on one page: what there is, which checkers apply, what fails and what would be repaired now. Data without
 * words; `node-agent status` and `npm start -- --kubeconfig` print it. It needs the nodes only, records are optional.
 *
 * To add a part: a field of `FleetSummary`, a function that fills it, and a line in `packages/cli/src/status-text.ts`.
 */
import type { CheckerName, RepairAction } from "./check.ts";
import { gpuViewOf, isGpuNode, sumOf, type GpuResource } from "./checkers/gpu-resources.ts";
import { evaluate, type Evaluation } from "./evaluation.ts";
import { flapsOf, networksOf, ownersOf, worksOf, type Evidence } from "./fleet-evidence.ts";
import {
  failingNodes,
  NOT_ASKED,
  type FailingNode,
  type FleetState,
  type SummaryNode,
} from "./fleet-repairs.ts";
import type { GateName } from "./gates/gate.ts";
import type { Rules } from "./judge.ts";
import type { Ledger } from "./ledger/ledger.ts";
import { standingOrders, type StandingOrders } from "./ledger/standing-orders.ts";
import { placeOf, type NodeSnapshot } from "./node.ts";
import type { Phase } from "./phase.ts";
import { historyOf, type NodeRecord } from "./record.ts";
import type { EpochMillis, Millis } from "./time.ts";

/** The selected nodes of one pool or zone; without a name, those that carry no such label. */
export interface GroupSummary {
  readonly name?: string;
  readonly nodes: number;
  readonly failing: number;
}

/** How many selected nodes show a network, an owner, planned work or a flapping checker, and by which signs. */
export interface EvidenceSummary {
  readonly name: string;
  readonly nodes: number;
  readonly seen: readonly string[];
}

/** What one enabled checker has to say about the selected nodes. */
export interface CheckerSummary {
  readonly checker: CheckerName;
  readonly threshold: Millis;
  readonly action: RepairAction;
  /** Nodes that it passes or fails. 0: it applies to no node of this cluster. */
  readonly judged: number;
  readonly failing: number;
  /** Nodes that it skips now though it judged them before, as their records know. */
  readonly judgedBefore: number;
  /** Nodes about which it has nothing to say, by reason. */
  readonly skipped: readonly { readonly reason: string; readonly nodes: number }[];
}

/** The fleet at one instant. */
export interface FleetSummary {
  readonly at: EpochMillis;
  readonly mode: "monitor-only" | "active";
  readonly nodes: { readonly total: number; readonly selected: number; readonly leftOut: number };
  readonly pools: readonly GroupSummary[];
  readonly zones: readonly GroupSummary[];
  /** GPU nodes among the selected, and the units of each resource that their kubelets count. */
  readonly gpus: { readonly nodes: number; readonly resources: readonly GpuResource[] };
  readonly networks: readonly EvidenceSummary[];
  readonly owners: readonly EvidenceSummary[];
  /** Planned work of others, in progress, waiting, failed or stuck. */
  readonly work: readonly EvidenceSummary[];
  /** Nodes on which a checker flaps, by checker; absent without records. */
  readonly flapping?: readonly EvidenceSummary[];
  readonly checkers: readonly CheckerSummary[];
  readonly failing: readonly FailingNode[];
  /** Gates that a summary cannot ask: a repair that seems due may still be held by one of these. */
  readonly notAsked: readonly GateName[];
  /** Pauses and grants in force; absent: no ledger is kept (monitor-only), or it was not read. */
  readonly orders?: StandingOrders;
  /** Selected nodes by the phase of their record; absent without records. `unjudged`: no worker has judged them yet. */
  readonly phases?: Readonly<Record<Phase, number>> & { readonly unjudged: number };
}

/** One selected node with its judgement by the rules given. */
interface Judged {
  readonly snapshot: NodeSnapshot;
  readonly record: NodeRecord | undefined;
  readonly evaluation: Evaluation;
}

/**
 * Sums up a fleet. Without `state` the clocks of workers are not known: every failure counts from now. Without `ledger` no
 * pause in it holds anything, and no grant lifts a breaker.
 */
export function fleetSummary(
  nodes: readonly SummaryNode[],
  state: FleetState | undefined,
  rules: Rules,
  now: EpochMillis,
  ledger?: Ledger,
): FleetSummary {
  const judged = nodes.filter(({ selected }) => selected).map((node) => judgedNode(node, state, rules, now));
  return {
    at: now,
    mode: rules.policy.monitorOnly ? "monitor-only" : "active",
    nodes: { total: nodes.length, selected: judged.length, leftOut: nodes.length - judged.length },
    pools: groupsOf(judged, (snapshot) => placeOf(snapshot).pool),
    zones: groupsOf(judged, (snapshot) => placeOf(snapshot).zone),
    gpus: gpusOf(judged),
    networks: evidenceOf(judged, ({ snapshot }) => networksOf(snapshot, rules.policy.ciliumTaint)),
    owners: evidenceOf(judged, ({ snapshot }) => ownersOf(snapshot)),
    work: evidenceOf(judged, ({ snapshot, record }) =>
      worksOf(snapshot, record, rules.policy.plannedWork, now),
    ),
    checkers: checkersOf(judged, rules),
    failing: failingNodes(nodes, state, rules, now, ledger),
    notAsked: NOT_ASKED,
    ...(ledger === undefined ? {} : { orders: standingOrders(ledger.meta, now) }),
    ...(state === undefined
      ? {}
      : { flapping: evidenceOf(judged, ({ record }) => flapsOf(record)), phases: phasesOf(judged) }),
  };
}

function judgedNode(
  { snapshot }: SummaryNode,
  state: FleetState | undefined,
  { checkers }: Rules,
  now: EpochMillis,
): Judged {
  const record = state?.records.get(snapshot.name);
  return { snapshot, record, evaluation: evaluate(snapshot, checkers, historyOf(record, snapshot.uid, now)) };
}

function groupsOf(
  judged: readonly Judged[],
  nameOf: (snapshot: NodeSnapshot) => string | undefined,
): GroupSummary[] {
  const groups = Map.groupBy(judged, ({ snapshot }) => nameOf(snapshot));
  return [...groups]
    .map(([name, members]) => groupOf(name, members))
    .toSorted((a, b) => compareNames(a.name, b.name));
}

function groupOf(name: string | undefined, members: readonly Judged[]): GroupSummary {
  const failing = members.filter(({ evaluation }) => evaluation.verdict === "Fail").length;
  const nodes = members.length;
  return name === undefined ? { nodes, failing } : { name, nodes, failing };
}

/** By name; what has none comes last. */
function compareNames(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  return a < b ? -1 : Number(a > b);
}

function gpusOf(judged: readonly Judged[]): FleetSummary["gpus"] {
  const gpuNodes = judged.filter(({ snapshot, record }) => isGpuNode(snapshot) || record?.gpuNode === true);
  const units = Map.groupBy(
    gpuNodes.flatMap(({ snapshot }) => gpuViewOf(snapshot).resources),
    ({ name }) => name,
  );
  const resources = [...units].map(([name, all]) => ({
    name,
    capacity: sumOf(all, "capacity"),
    allocatable: sumOf(all, "allocatable"),
  }));
  return { nodes: gpuNodes.length, resources: resources.toSorted((a, b) => compareNames(a.name, b.name)) };
}

/** Counts each node once per network, owner or work, however many of its signs it shows. */
function evidenceOf(
  judged: readonly Judged[],
  signsOf: (node: Judged) => readonly Evidence[],
): EvidenceSummary[] {
  const found = new Map<string, { nodes: Set<string>; seen: Set<string> }>();
  for (const node of judged) {
    for (const { of, seen } of signsOf(node)) {
      const entry = found.get(of) ?? { nodes: new Set(), seen: new Set() };
      found.set(of, entry);
      entry.nodes.add(node.snapshot.name);
      entry.seen.add(seen);
    }
  }
  return [...found]
    .map(([name, { nodes, seen }]) => ({ name, nodes: nodes.size, seen: [...seen].toSorted() }))
    .toSorted((a, b) => b.nodes - a.nodes || compareNames(a.name, b.name));
}

function checkersOf(judged: readonly Judged[], { checkers }: Rules): CheckerSummary[] {
  return checkers.map(({ name, threshold, action }) => {
    const own = judged.flatMap(({ evaluation }) =>
      evaluation.judgements.filter(({ checker }) => checker === name),
    );
    const skips = Map.groupBy(
      own.filter(({ verdict }) => verdict === "Skip"),
      ({ reason }) => reason,
    );
    const judgedBefore = judged.filter(
      ({ record, evaluation }) =>
        record?.judgedBy?.includes(name) === true &&
        evaluation.judgements.some(({ checker, verdict }) => checker === name && verdict === "Skip"),
    );
    const skipped = [...skips].map(([reason, nodes]) => ({ reason, nodes: nodes.length }));
    return {
      checker: name,
      threshold,
      action,
      judged: own.filter(({ verdict }) => verdict !== "Skip").length,
      failing: own.filter(({ verdict }) => verdict === "Fail").length,
      judgedBefore: judgedBefore.length,
      skipped: skipped.toSorted((a, b) => b.nodes - a.nodes || compareNames(a.reason, b.reason)),
    };
  });
}

function phasesOf(judged: readonly Judged[]): NonNullable<FleetSummary["phases"]> {
  const count = (phase: Phase): number => judged.filter(({ record }) => record?.phase === phase).length;
  return {
    Unknown: count("Unknown"),
    Healthy: count("Healthy"),
    Unhealthy: count("Unhealthy"),
    WaitingReboot: count("WaitingReboot"),
    Failed: count("Failed"),
    unjudged: judged.filter(({ record }) => record === undefined).length,
  };
}
