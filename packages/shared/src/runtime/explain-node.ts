import { explain, type Explanation } from "../core/explain.ts";
import type { FleetLook, LedgerLook, NodeLook, PendingReboot } from "../core/explain-input.ts";
import { instanceIdOf } from "../core/instance-id.ts";
import type { Rules } from "../core/judge.ts";
import { clocksOf } from "../core/ledger/clocks.ts";
import { simulatedLedger } from "../core/ledger/simulated.ts";
import type { LedgerTimings } from "../core/ledger/timings.ts";
import type { NodeEvidence } from "../core/node-evidence.ts";
import type { NodeSnapshot } from "../core/node.ts";
import type { NodeRecord } from "../core/record.ts";
import type { EpochMillis, Millis } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import type { RebootLedger } from "../ports/ledger.ts";
import type { EvidenceReader } from "../ports/node-evidence.ts";
import type { NodeLister } from "../ports/node-lister.ts";
import type { NodeReader } from "../ports/node-reader.ts";
import type { PlanStore } from "../ports/plan-store.ts";
import type { SequenceMemory } from "../ports/sequence-memory.ts";
import type { StateStore } from "../ports/state-store.ts";
import { lookBehind, type BehindSources } from "./behind-look.ts";
import { deadlineSignal } from "./deadline.ts";
import { withoutCredentials } from "./error-fields.ts";
import { lookAtFleet } from "./fleet-look.ts";
import { lookAtHosting, type HostingSources } from "./hosting-look.ts";
import { clocksOfReading, lookAtLedger } from "./ledger-look.ts";

/** Where an explanation is read from. Nothing is written anywhere. */
export interface ExplainSources extends HostingSources {
  readonly store: Pick<StateStore, "get" | "listUnhealthy" | "getMany">;
  readonly memory: SequenceMemory;
  readonly pending: (node: string) => Promise<PendingReboot | undefined>;
  /** When the repairs of the fleet were planned; absent: not asked. */
  readonly plans?: Pick<PlanStore, "latest">;
  /** The queues that somebody paused. */
  readonly pausedQueues: () => Promise<readonly string[]>;
  readonly reader: NodeReader;
  readonly evidence: EvidenceReader;
  /** What the workers judge by, to be held against the read of the node; absent: not asked. */
  readonly stored?: Pick<BehindSources, "snapshots" | "digest" | "delivery">;
  /** About how often a watcher compares its view with the API server. */
  readonly viewProbeInterval?: Millis;
  readonly lister: NodeLister;
  /** Whether the configuration selects a node. */
  readonly selects: (node: NodeSnapshot) => boolean;
  /** Absent in monitor-only mode, which keeps none. */
  readonly ledger: RebootLedger | undefined;
  readonly rules: Rules;
  readonly timings: LedgerTimings;
  readonly clock: Clock;
  /** How long the cluster may take to answer. */
  readonly deadline: Millis;
}

/** An explanation, and what stands beside it. */
export interface ExplainedNode {
  readonly explanation: Explanation;
  /** One sentence per part of the cluster that could not be read; the explanation says which gates were not asked. */
  readonly unread: readonly string[];
  /** The record was made in the other mode than the rules given here. */
  readonly otherMode: boolean;
  /** Somebody knows this node: the cluster or the store. */
  readonly known: boolean;
  /** The nodes that are looked after, as far as they were listed. */
  readonly names: readonly string[];
}

/**
 * Reads everything that bears on a node and explains it. A part of the cluster that cannot be read leaves its gates
 * unasked; without the store nothing can be said, and its errors are thrown.
 */
export async function explainNode(name: string, sources: ExplainSources): Promise<ExplainedNode> {
  const { rules } = sources;
  const { stored, records, job, seqHighWater, paused, planned } = await readStore(name, sources);
  const { record, view, fault } = stored;
  const damaged = fault !== undefined;
  const names: string[] = [];
  let addresses: readonly string[] | undefined;
  const [node, fleet, ledger, evidence] = await Promise.all([
    lookAtNode(name, sources, (found) => void (addresses = found)),
    fleetOf(name, records, view.now, names, sources),
    ledgerOf(records, view.now, seqHighWater, sources),
    evidenceOf(name, record, sources),
  ]);
  const hosting = await lookAtHosting(name, addresses, records, rules.policy.monitorOnly, sources);
  const instanceId = instanceIdOf(node.state === "Found" ? node.snapshot : undefined, record);
  const behind = sources.stored && (await lookBehind(name, node, { ...sources, ...sources.stored }));
  const explanation = explain({
    name,
    rules,
    now: view.now,
    observed: view.observed,
    viewAge: view.age,
    viewSteady: view.steady,
    record,
    damaged,
    node,
    ...(node.state === "Found" ? { selected: sources.selects(node.snapshot) } : {}),
    ...(behind === undefined ? {} : { behind }),
    ...(sources.viewProbeInterval === undefined ? {} : { viewProbeInterval: sources.viewProbeInterval }),
    fleet,
    ledger,
    hosting,
    ...(evidence === undefined ? {} : { evidence }),
    ...(instanceId === undefined ? {} : { instanceId }),
    job: job ?? "Missing",
    ...planned,
    pausedQueues: paused,
  });
  return {
    explanation,
    unread: unreadOf({ node, fleet, ledger }),
    otherMode: record !== undefined && record.monitorOnly !== rules.policy.monitorOnly,
    known: record !== undefined || damaged || node.state === "Found",
    names,
  };
}

/** Everything that Redis has. Throws when it fails. */
async function readStore(name: string, { store, memory, pending, plans, pausedQueues }: ExplainSources) {
  const [stored, records, job, seqHighWater, paused, latest] = await Promise.all([
    store.get(name),
    store.listUnhealthy(),
    pending(name),
    // Zero only reads.
    memory.raise(0),
    pausedQueues(),
    plans?.latest(),
  ]);
  const planned = plans === undefined ? {} : { plannedAt: latest?.at ?? ("Never" as const) };
  return { stored, records, job, seqHighWater, paused, planned };
}

async function lookAtNode(
  name: string,
  sources: ExplainSources,
  found: (addresses: readonly string[] | undefined) => void,
): Promise<NodeLook> {
  return tried(sources, async (signal) => {
    const read = await sources.reader.read(name, signal);
    if (!read.found) return { state: "Gone" };
    found(read.addresses);
    return { state: "Found", snapshot: read.node };
  });
}

async function fleetOf(
  name: string,
  records: readonly NodeRecord[],
  now: EpochMillis,
  names: string[],
  sources: ExplainSources,
): Promise<FleetLook> {
  return tried(sources, async (signal) => {
    const { health, selected } = await lookAtFleet(sources, records, now, signal);
    names.push(...selected);
    return { state: "Seen", health, lookedAfter: selected.includes(name) };
  });
}

/** What the agents' pods say, for a node whose failure depends on one. */
async function evidenceOf(
  name: string,
  record: NodeRecord | undefined,
  { evidence, clock, deadline }: ExplainSources,
): Promise<NodeEvidence | undefined> {
  const failing = Object.keys(record?.failing ?? {});
  if (!failing.some((checker) => checker === "GPU" || checker === "Cilium")) return undefined;
  using late = deadlineSignal(clock, deadline, new AbortController().signal);
  return await evidence.read(name, late.signal);
}

async function ledgerOf(
  records: readonly NodeRecord[],
  now: EpochMillis,
  seqHighWater: number,
  sources: ExplainSources,
): Promise<LedgerLook> {
  const { ledger, rules, timings, clock } = sources;
  if (rules.policy.monitorOnly) {
    return { state: "Simulated", ledger: simulatedLedger(records), clocks: clocksOf([now]) };
  }
  if (ledger === undefined) return { state: "Distrusted", why: "active mode without a ledger", ends: false };
  return tried(sources, async (signal) => {
    const reading = await ledger.read(signal);
    const clocks = clocksOfReading(reading, { redis: now, own: clock.now() });
    return lookAtLedger(reading, clocks, seqHighWater, { policy: rules.policy, timings });
  });
}

async function tried<T>(
  { clock, deadline }: ExplainSources,
  read: (signal: AbortSignal) => Promise<T>,
): Promise<T | { readonly state: "Unread"; readonly why: string }> {
  using late = deadlineSignal(clock, deadline, new AbortController().signal);
  try {
    return await read(late.signal);
  } catch (error) {
    const why = error instanceof Error ? withoutCredentials(error.message) : "an unknown failure";
    return { state: "Unread", why };
  }
}

function unreadOf(looks: Readonly<Record<string, NodeLook | FleetLook | LedgerLook>>): string[] {
  return Object.entries(looks).flatMap(([part, look]) =>
    look.state === "Unread" ? [`the ${part} could not be read: ${look.why}`] : [],
  );
}
