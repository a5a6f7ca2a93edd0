/**
 * What the agent would do now, for the whole fleet: which repairs may proceed, oldest first, and what holds each of the
 * others. A plan can hold a repair, it never permits one: the repair transaction reads everything again and asks every gate
 * again, and the ledger's compare-and-set stays the authority. So a plan may be made of what the watchers stored, and of
 * less than everything: what is absent leaves its gates to the transaction.
 */
import { defined } from "../defined.ts";
import { askingOf, firstDue } from "../due.ts";
import type { GateInput, GateName, LedgerView } from "../gates/gate.ts";
import { ledgerView } from "../gates/ledger-view.ts";
import { holding } from "../gates/list.ts";
import { wantsEvidence } from "../gates/pod-evidence.ts";
import { instanceIdOf } from "../instance-id.ts";
import type { Rules } from "../judge.ts";
import type { Clocks } from "../ledger/clocks.ts";
import type { Ledger } from "../ledger/ledger.ts";
import { placeOf, type NodeSnapshot } from "../node.ts";
import { pausesOf } from "../pause.ts";
import type { NodeRecord, ObservedMillis } from "../record.ts";
import { fleetNode } from "../storm/fleet-node.ts";
import { breakerOf, type Breaker } from "../storm/breaker.ts";
import type { FleetHealth } from "../storm/fleet.ts";
import { Limits, type LimitSubject, type LimitUse } from "../storm/limits.ts";
import type { EpochMillis, Millis } from "../time.ts";
import { fleetOf, type Census } from "./census.ts";
import { Doubts, type FoundHold } from "./doubts.ts";
import { isKnownBad, speaks } from "../verification.ts";

/** A node that is not Healthy. */
export interface PlannedNode {
  readonly record: NodeRecord;
  /** As the watchers stored it; absent: it is not stored, or cannot be read. */
  readonly snapshot?: NodeSnapshot;
  readonly found?: FoundHold;
  /** Its transaction has looked at the node lately, whatever it found. */
  readonly looked?: boolean;
}

/** The ledger as a plan sees it. `NotAsked`: nothing is due, so it was not read. `Unread`: repairs are held for that reason. */
export type PlanLedger =
  | { readonly state: "Trusted"; readonly ledger: Ledger; readonly clocks: Clocks }
  | {
      readonly state: "Distrusted";
      readonly why: string;
      readonly until?: EpochMillis;
      readonly ledger?: Ledger;
    }
  | { readonly state: "Unread"; readonly why: string }
  | { readonly state: "NotAsked" };

/** Everything a plan is made of. */
export interface PlanInput {
  readonly nodes: readonly PlannedNode[];
  /** Absent: no watcher told it; correlation and shares are then left to the transaction. */
  readonly census?: Census;
  readonly ledger: PlanLedger;
  readonly rules: Rules;
  /** Whether the configuration selects a node. */
  readonly selects: (snapshot: NodeSnapshot) => boolean;
  readonly view: {
    readonly now: EpochMillis;
    readonly observed: ObservedMillis;
    readonly age: Millis | undefined;
    readonly steady: Millis;
  };
  /** Repairs that fall due within this span may proceed when they are due: it covers the time until the next plan. */
  readonly horizon: Millis;
}

/** A repair that the limits allow now, or at the instant at which it falls due. */
export interface PlannedRepair {
  readonly node: string;
  readonly at: EpochMillis;
}

/** A repair that is held, by the first gate that holds it. */
export interface HeldRepair {
  readonly node: string;
  readonly gate: GateName;
  readonly why: string;
  /** When this gate ends by itself; absent: it ends when something changes, and the next plan notices. */
  readonly ends?: EpochMillis;
}

/** The decision for the fleet. */
export interface Plan {
  readonly at: EpochMillis;
  /** The limits of the cluster before this plan; absent: the ledger or the fleet was not read. */
  readonly use?: LimitUse;
  /** Oldest first. */
  readonly proceed: readonly PlannedRepair[];
  /** Oldest first. */
  readonly held: readonly HeldRepair[];
  /**
   * Held repairs whose transaction must look once all the same: whether an agent's pod or a DRA driver explains the failure
   * only a transaction reads, and what it learns may end the failure itself; and it records the result of a repair.
   */
  readonly look: readonly string[];
  /** Nodes that need no repair: no checker asks for one, or the attempts are used up. */
  readonly idle: readonly string[];
}

/** Gates that a repair may pass on its own within the horizon. */
const SOON: ReadonlySet<GateName> = new Set(["Threshold", "WaitWindow", "Settle"]);
/** Gates that count the whole fleet: they hold a repair for what other nodes are. */
const OF_FLEET: ReadonlySet<GateName> = new Set(["Breaker", "CureRate", "Limit"]);
/** Most looks in one plan: each reads the pods of a node. */
const MOST_LOOKS = 5;

/** Whether a repair is due, or will be within the horizon: only then is the ledger worth reading. */
export function wantsLedger({ nodes, rules: { policy }, view, horizon }: Omit<PlanInput, "ledger">): boolean {
  return nodes.some(({ record }) => {
    const due = firstDue(record, policy, view.observed);
    const wait = (record.lastReboot?.waitUntil ?? 0) - view.now;
    return record.phase !== "Failed" && due !== undefined && Math.max(due.in, wait) <= horizon;
  });
}

/** Decides for the fleet. */
export function plan(input: PlanInput): Plan {
  const { now } = input.view;
  const asked = { ...input, ...countedOf(input), doubts: new Doubts(input.nodes, now) };
  const use = asked.limits?.use();
  const proceed: PlannedRepair[] = [];
  const held: HeldRepair[] = [];
  const idle: string[] = [];
  const look: string[] = [];
  for (const node of input.nodes.toSorted(byWaiting)) {
    const step = stepOf(node, asked);
    if ("idle" in step) idle.push(node.record.name);
    else if ("at" in step) proceed.push(step);
    else {
      held.push(step.held);
      const mustLook = (step.mayLook && node.looked !== true) || isResultKnown(node, input);
      if (mustLook && look.length < MOST_LOOKS) look.push(node.record.name);
    }
  }
  return { at: now, ...defined({ use }), proceed, held, look, idle };
}

/** The result of the latest repair is known before its wait is over: its transaction records it, which frees its place. */
function isResultKnown({ record, snapshot, found }: PlannedNode, { rules, view }: PlanInput): boolean {
  if (snapshot === undefined || (found !== undefined && found.until > view.now)) return false;
  return isKnownBad(record, { ...view, policy: rules.policy, speaks: speaks(snapshot) });
}

/** Since when a node has waited for its next repair: its incident began, or its latest wait ended. */
function waitingSince({ incident, lastReboot, phaseSince }: NodeRecord): EpochMillis {
  return Math.max(incident?.startedAt ?? phaseSince, lastReboot?.waitUntil ?? 0);
}

function byWaiting({ record: a }: PlannedNode, { record: b }: PlannedNode): number {
  const since = waitingSince(a) - waitingSince(b);
  if (since !== 0) return since;
  return a.name < b.name ? -1 : Number(a.name > b.name);
}

/** Fleet and ledger, counted once. Without a census shares are not known: breaker and limits are left to the transaction. */
function countedOf(input: PlanInput): Counted {
  const { census, nodes, rules, selects, view, ledger } = input;
  if (census === undefined) return {};
  const sick = nodes.flatMap(({ snapshot, record }) =>
    snapshot === undefined
      ? []
      : [fleetNode(snapshot, record, { ...rules, selected: selects(snapshot) }, view.now)],
  );
  const fleet = fleetOf(census, sick);
  const { policy } = rules;
  const read = "ledger" in ledger ? ledger.ledger : undefined;
  const breaker = breakerOf(fleet, policy.breaker, view.now, read);
  if (ledger.state !== "Trusted") return { fleet, breaker };
  return { fleet, breaker, limits: new Limits(ledger.ledger, fleet, policy, ledger.clocks) };
}

interface Counted {
  readonly fleet?: FleetHealth;
  readonly breaker?: Breaker;
  readonly limits?: Limits;
}

interface Asked extends PlanInput, Counted {
  readonly doubts: Doubts;
}

/** What becomes of one repair. */
type Step =
  | PlannedRepair
  | { readonly idle: true }
  | { readonly held: HeldRepair; readonly mayLook: boolean };

function stepOf(node: PlannedNode, asked: Asked): Step {
  const { record, snapshot, found } = node;
  const { view, horizon, doubts } = asked;
  const { name } = record;
  const subject = {
    instanceId: instanceIdOf(snapshot, record) ?? "",
    ...(snapshot && placeOf(snapshot)),
    ...askingOf(record, asked.rules.policy, view.observed),
  };
  let at = view.now;
  const input = inputOf(node, subject, asked);
  const heldBy = (gate: GateName, why: string): Step => ({ held: { node: name, gate, why }, mayLook: false });
  for (const { gate, why, until, ends } of holding(input)) {
    if (until === undefined) return { idle: true };
    const isSoon = SOON.has(gate) && until <= view.now + horizon;
    if (!isSoon) {
      const held = { node: name, gate, why, ...(ends === true ? { ends: until } : {}) };
      return { held, mayLook: OF_FLEET.has(gate) && wantsEvidence(input) };
    }
    at = Math.max(at, until);
  }
  if (snapshot === undefined) {
    return heldBy("NodeUnreadable", "no watcher has stored this node");
  }
  if (found !== undefined && found.until > view.now) return heldBy(found.gate, found.why);
  const doubt = doubts.ask();
  if (doubt !== undefined) return heldBy(doubt.gate, doubt.why);
  doubts.tried();
  asked.limits?.take(subject);
  return { node: name, at };
}

function inputOf({ record, snapshot }: PlannedNode, subject: LimitSubject, asked: Asked): GateInput {
  const {
    fleet,
    breaker,
    ledger,
    rules: { policy },
    selects,
    view,
  } = asked;
  const { now, observed, age, steady } = view;
  const read = "ledger" in ledger ? ledger.ledger : undefined;
  const { pool = record.pool } = subject;
  return {
    record,
    policy,
    now,
    observed,
    viewAge: age,
    viewSteady: steady,
    pauses: pausesOf({ name: record.name, pool, snapshot }, policy.paused, read),
    ...defined({ node: snapshot, selected: snapshot && selects(snapshot) }),
    ...defined({ fleet, breaker, ledger: ledgerOf(subject, asked) }),
  };
}

/** What the ledger says to a repair. */
function ledgerOf(subject: LimitSubject, asked: Asked): LedgerView | undefined {
  const { ledger, limits, breaker, view } = asked;
  if (ledger.state === "NotAsked") return undefined;
  if (ledger.state === "Trusted") {
    return ledgerView(subject, { ...ledger, ...defined({ limits, breaker }) }, view.now);
  }
  const until = ledger.state === "Distrusted" ? ledger.until : undefined;
  return { distrust: { why: ledger.why, ...defined({ until }) } };
}
