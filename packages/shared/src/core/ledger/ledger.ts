/**
 * The ledger of one cluster: the authority on reboots (reboot protocol, 3.3). It says which VM may not be rebooted yet,
 * how many reboots are open, and whether anybody may reboot at all. Redis is a hint; this is the truth, because it is
 * written by compare-and-set on a linearizable store before each call.
 *
 * Everything that limits reboots is keyed by the cloud's instance id, never by node name or uid: a Node object that is
 * deleted and registered again keeps its VM, and so it keeps its window.
 */
import type { EpochMillis } from "../time.ts";

/** What is known of the call that an entry was written for. `Intent` is left behind by a crash and counts as a reboot. */
export const LEDGER_OUTCOMES = [
  "Intent",
  "Accepted",
  "Unknown",
  "NotSent",
  "Rejected",
  /** The boot id changed and every checker passes. */
  "Cured",
  /** A checker still fails, and the boot id changed or the kubelet is silent. */
  "StillBad",
  /** The kubelet reports, and the boot id did not change: proven not to have happened. */
  "NotExecuted",
  /** The VM or its node is gone. */
  "Gone",
] as const;
/** `Newer`: a word of a later version of node-agent; its entry is left alone, counts as open and holds its VM. */
export type LedgerOutcome = (typeof LEDGER_OUTCOMES)[number] | "Newer";

/** So much of a token is kept of a repair that is settled, when there are many of them. */
export const SHORT_TOKEN = 8;

/** The latest reboot of one VM. */
export interface LedgerEntry {
  readonly instanceId: string;
  /** Sequence number of the write that made this intent: a fencing token. */
  readonly seq: number;
  readonly node: string;
  readonly pool?: string;
  readonly zone?: string;
  /** The checker that asked for it, for correlation. */
  readonly checker?: string;
  readonly bootIdBefore?: string;
  readonly at: EpochMillis;
  /** When this VM was rebooted before, within the span of the longest rate: limits count them, oldest first. */
  readonly earlier?: readonly EpochMillis[];
  /** No call for this VM before this instant. */
  readonly notBefore: EpochMillis;
  readonly attempt: number;
  readonly token: string;
  /** The process that wrote the intent. */
  readonly by: string;
  readonly outcome: LedgerOutcome;
  /** The word of an outcome that is `Newer`. */
  readonly newer?: string;
  /** Since when its place in the limits is free: the node has been well for a while, which is no cure yet. */
  readonly recoveredAt?: EpochMillis;
  /** The grant that it began under. */
  readonly grant?: string;
  /** Sticky: the window of this VM is the GPU window. */
  readonly gpu: boolean;
}

/** Who ordered something, when and why. */
export interface LedgerOrder {
  readonly since: EpochMillis;
  readonly by: string;
  readonly reason: string;
}

/** A pause that an operator ordered; no reboot begins while it stands. */
export interface LedgerPause extends LedgerOrder {
  /** It ends by itself at this instant; absent: only an operator ends it. */
  readonly until?: EpochMillis;
}

/** An operator's permission to go on although the breaker holds: scoped, for a time, with slow start. No scope: the fleet. */
export interface LedgerGrant {
  /** Names it in entries; chance makes it. */
  readonly id: string;
  readonly since: EpochMillis;
  /** It ends by itself at this instant; an operator who ends it earlier writes it here. */
  readonly until: EpochMillis;
  readonly by: string;
  readonly reason: string;
  readonly zone?: string;
  readonly pool?: string;
  readonly checker?: string;
  /** Repairs that may begin under it; absent: as many as its time and the limits allow. */
  readonly count?: number;
  /** Repairs that began under it. */
  readonly used: number;
  /** Repairs that may be open at once under it: doubled by each round of recoveries, 1 after one that cured nothing. */
  readonly width: number;
  /** Recoveries in the present round; `width` of them complete it. */
  readonly cured: number;
  /** Who ended it before its time. */
  readonly endedBy?: string;
}

/** The one grant of the fleet that earlier versions write: it is read, and never written again. */
export interface OldLedgerGrant {
  readonly since: EpochMillis;
  readonly by: string;
  readonly width: number;
}

/** What holds for the whole cluster. */
export interface LedgerMeta {
  readonly schema: 1;
  /** The uid of the namespace kube-system: the one name of a cluster that nobody can choose twice. */
  readonly cluster: string;
  /** Raised by one with every write. A lower one than seen before means that the store went back in time. */
  readonly seq: number;
  /** The last write of any gate; a ledger nobody wrote to for long may have been restored from a backup. */
  readonly heartbeatAt: EpochMillis;
  readonly heartbeatBy: string;
  /** Nobody reboots before this instant. */
  readonly quarantineUntil: EpochMillis;
  /** The person who ended the latest quarantine before its time. */
  readonly trusted?: LedgerOrder;
  readonly paused?: LedgerPause;
  readonly pausedPools: Readonly<Record<string, LedgerPause>>;
  readonly pausedNodes: Readonly<Record<string, LedgerPause>>;
  /** Absent in ledgers of older versions. */
  readonly grants?: readonly LedgerGrant[];
  readonly grant?: OldLedgerGrant;
}

/** The ledger as it was read. */
export interface Ledger {
  readonly meta: LedgerMeta;
  /** By instance id. */
  readonly entries: ReadonlyMap<string, LedgerEntry>;
}
