import type { Hosting } from "../hosting.ts";
import type { LedgerGrant } from "../ledger/ledger.ts";
import type { NodeEvidence } from "../node-evidence.ts";
import type { NodeSnapshot } from "../node.ts";
import type { RepairPolicy } from "../policy.ts";
import type { NodeRecord, ObservedMillis } from "../record.ts";
import type { Breaker } from "../storm/breaker.ts";
import type { CureHold } from "../storm/cure-rate.ts";
import type { Held } from "../storm/limits.ts";
import type { FleetHealth } from "../storm/fleet.ts";
import type { Pause } from "../pause.ts";
import type { EpochMillis, Millis } from "../time.ts";

/**
 * Everything that may hold a reboot back, in the order in which it is asked; the first that holds is the answer to "why
 * not?". A retired name is never used again.
 */
export const GATES = [
  "NothingFailing",
  "Mode",
  "ActionNone",
  "NotSelected",
  "Paused",
  "OptOut",
  "ForeignOwner",
  "PlannedWork",
  "Blind",
  "Verifying",
  "Attempts",
  "WaitWindow",
  "Threshold",
  "Settle",
  "Breaker",
  "Ledger",
  "CureRate",
  "Limit",
  "Identity",
  "NodeUnreadable",
  "OwnNode",
  "PodEvidence",
  "Cloud",
  "RateLimit",
  "Deadline",
  /** Nobody runs the pending reboot; only an explanation can tell. */
  "Queue",
] as const;
export type GateName = (typeof GATES)[number];

/** What is known of the ledger when a gate asks. */
export interface LedgerView {
  /** Why the ledger cannot be built on now; undefined: it can. */
  readonly distrust?: { readonly why: string; readonly until?: EpochMillis };
  /** The VM's window, by the ledger. */
  readonly notBefore?: EpochMillis;
  /** Why repairs of this checker in this pool slow down or stop. */
  readonly cureRate?: CureHold;
  /** The first limit that one more repair would exceed. */
  readonly limit?: Held;
  /** An operator's permission to go on, slowly. */
  readonly grant?: LedgerGrant;
}

/** What the pure gates look at. What is absent was not read yet; the gate that needs it stands open until it is. */
export interface GateInput {
  readonly record: NodeRecord;
  readonly policy: RepairPolicy;
  readonly now: EpochMillis;
  /** The observation clock now. */
  readonly observed: ObservedMillis;
  /** Age of the freshest view any watcher vouches for; undefined when none ever did. */
  readonly viewAge: Millis | undefined;
  /** For how long the cluster has been seen without a gap; absent: not told, and not asked for. */
  readonly viewSteady?: Millis;
  /** Pauses that hold this node, of whatever level and source. */
  readonly pauses?: readonly Pause[];
  /** The configuration selects this node; absent until it was read. */
  readonly selected?: boolean;
  /** The node as it was read last. */
  readonly node?: NodeSnapshot;
  /** The fleet, and what is correlated in it. */
  readonly fleet?: FleetHealth;
  readonly breaker?: Breaker;
  readonly ledger?: LedgerView;
  /** What else runs on the node. */
  readonly hosting?: Hosting;
  /** What the agents' pods on the node say; absent: not read yet, or not asked for. */
  readonly evidence?: NodeEvidence;
}

/**
 * One gate's answer. `until` is when to ask again, absent when no time can be named and the job may end; with `ends` it is
 * the end of the hold, given the time alone.
 */
export interface GateVerdict {
  readonly gate: GateName;
  readonly open: boolean;
  readonly why: string;
  readonly until?: EpochMillis;
  readonly ends?: true;
}

export type Gate = (input: GateInput) => GateVerdict;

/** The gate lets the reboot pass. */
export function open(gate: GateName, why: string): GateVerdict {
  return { gate, open: true, why };
}

/** The gate holds the reboot, until a time if it can name one. */
export function shut(gate: GateName, why: string, until?: EpochMillis): GateVerdict {
  return { gate, open: false, why, ...(until === undefined ? {} : { until }) };
}

/** The gate holds the reboot until its end, which needs nothing but time. */
export function shutUntil(gate: GateName, why: string, until: EpochMillis): GateVerdict {
  return { gate, open: false, why, until, ends: true };
}
