import type { CheckerName, GpuMemory, NodeHistory } from "./check.ts";
import type { Phase } from "./phase.ts";
import type { SeenMarks } from "./seen-marks.ts";
import type { EpochMillis, Millis } from "./time.ts";

/**
 * A reading of the cluster's observation clock: how many milliseconds the cluster was really watched, in total. It
 * stands still while every watcher is blind (API server, Redis or watchers down), so clocks built on it do too.
 */
export type ObservedMillis = Millis;

/** The clock of one failing checker. It runs from the start of the present failure until the checker passes again. */
export interface FailingCheck {
  /** Wall time at which the present failure began, for people. */
  readonly since: EpochMillis;
  /** The observation clock at the start of the present failure; thresholds are measured on it. */
  readonly sinceObserved: ObservedMillis;
  /** What was left of earlier failures when the present one began; it counts towards the threshold. Absent: nothing. */
  readonly carried?: Millis;
  /** The latest reason the checker gave. */
  readonly reason: string;
}

/** The clock of a checker that failed and passes now: it drains as fast as it filled. */
export interface DrainingCheck {
  /** Wall time at which it began to drain. */
  readonly since: EpochMillis;
  /** The observation clock when it began to drain. */
  readonly sinceObserved: ObservedMillis;
  /** What it held then; never more than the threshold. */
  readonly ran: Millis;
}

/** How often a checker changed from Fail to Pass lately. */
export interface CheckerFlaps {
  /** When it did, oldest first; the latest few within the flap window. */
  readonly at: readonly EpochMillis[];
  /** Since when it flaps: it reached `flapping.threshold` and has not calmed down. */
  readonly flappingSince?: EpochMillis;
}

/** An incident with repairs whose node is well again: a relapse before that counts as a cure continues it. */
export interface ClosedIncident {
  readonly id: string;
  readonly attempts: number;
  readonly endedAt: EpochMillis;
  /** The observation clock at the recovery; the time to a cure is measured on it. */
  readonly endedObserved: ObservedMillis;
}

/** Why a checker that judged this node before does not judge it now. */
export interface SkippedCheck {
  readonly since: EpochMillis;
  readonly reason: string;
}

/** From the first failing check until the node is well again; a relapse before that counts as a cure continues it. */
export interface Incident {
  /** Unique within the cluster: derived from the node's uid and the start. */
  readonly id: string;
  /** The first failing check since the node was well last; in a relapse that is the start of the relapse. */
  readonly startedAt: EpochMillis;
  /** Reboots made in this incident; calls that surely never happened are not counted. */
  readonly attempts: number;
}

/** `Intent` is written before the call: a crash leaves it behind, and it counts as a reboot. */
export const REBOOT_OUTCOMES = ["Intent", "Accepted", "Unknown", "NotSent", "Rejected", "Simulated"] as const;
export type RebootOutcome = (typeof REBOOT_OUTCOMES)[number];

/** What a reboot came to, told by the boot id; `Gone`: the node vanished before it could be told. */
export const REBOOT_VERIFICATIONS = ["Cured", "StillBad", "NotExecuted", "Gone"] as const;
export type RebootVerification = (typeof REBOOT_VERIFICATIONS)[number];

/** The latest reboot of a node. It outlives the incident, so that a flapping node keeps its wait window (I1). */
export interface RebootAttempt {
  readonly incidentId: string;
  readonly number: number;
  readonly instanceId: string;
  /** Tells this intent from every other, also after a lost reply. */
  readonly token: string;
  readonly intendedAt: EpochMillis;
  readonly outcome: RebootOutcome;
  readonly detail: string;
  /** Nothing is called for this VM before this instant. */
  readonly waitUntil: EpochMillis;
  readonly bootIdBefore?: string;
  /** Written once, when the node has been well for long enough to free its place in the limits. */
  readonly recoveredAt?: EpochMillis;
  /** Written once, when it is known what the reboot came to. */
  readonly verification?: RebootVerification;
  /** The provider id of the node at the intent; a node that proves to be another VM does not inherit this reboot. */
  readonly providerId?: string;
}

/** The state kept of one node: everything a stateless worker needs to go on where another one died. */
export interface NodeRecord {
  readonly schema: 1;
  readonly name: string;
  readonly uid: string;
  readonly phase: Phase;
  readonly phaseSince: EpochMillis;
  /** When we first saw this uid. */
  readonly firstSeenAt: EpochMillis;
  /** This uid was Ready at least once while we looked. */
  readonly everReady: boolean;
  /** Sticky: this uid was seen with GPUs once. */
  readonly gpuNode: boolean;
  /**
   * Most whole GPUs that any snapshot of this uid proved (see `GpuLesson.gpuUnits`), 0 when none; without `gpu` (written
   * before 0.2) it may be a number of slices.
   */
  readonly gpuHighWater: number;
  readonly gpu?: GpuMemory;
  readonly pool?: string;
  readonly providerId?: string;
  readonly bootId?: string;
  /** When a change of the boot id was seen last, whoever caused it. */
  readonly bootSeenAt?: EpochMillis;
  /** When a boot was seen last that no reboot of ours explains: somebody else's reboot, which counts as one. */
  readonly foreignBootAt?: EpochMillis;
  /** The mode under which the clocks below were started; a change of mode restarts them. */
  readonly monitorOnly: boolean;
  readonly failing: Readonly<Partial<Record<CheckerName, FailingCheck>>>;
  /** Checkers that pass while something of their earlier failures still counts; absent: none. */
  readonly draining?: Readonly<Partial<Record<CheckerName, DrainingCheck>>>;
  /** Checkers that changed from Fail to Pass lately; absent: none. */
  readonly flaps?: Readonly<Partial<Record<CheckerName, CheckerFlaps>>>;
  /** Checkers that have judged this uid at least once, in the order of `CHECKER_NAMES`; absent: written before 0.2. */
  readonly judgedBy?: readonly CheckerName[];
  /** Of those, the ones that skip the node now. */
  readonly skipped?: Readonly<Partial<Record<CheckerName, SkippedCheck>>>;
  readonly incident?: Incident;
  /** The latest incident with repairs, while a relapse would continue it; never beside `incident`. */
  readonly lastIncident?: ClosedIncident;
  readonly lastReboot?: RebootAttempt;
  /** Marks of other controllers and people on the node, with the time of their present meaning. */
  readonly marks?: SeenMarks;
  /** When an operator ordered last that its repair is tried again: attempts before that do not count. */
  readonly retriedAt?: EpochMillis;
}

type OptionalField = "draining" | "flaps" | "lastIncident" | "skipped";

/** The record with another value of an optional field in its place, so that the same value yields the same bytes, or without it. */
export function withField<Name extends OptionalField>(
  record: NodeRecord,
  name: Name,
  value: NodeRecord[Name] | undefined,
): NodeRecord {
  if (value !== undefined) return { ...record, [name]: value };
  const field: OptionalField = name;
  const { [field]: _gone, ...rest } = record;
  return rest;
}

/** The memory that checkers may lean on, taken from a record; of a node never seen, the zero memory. */
export function historyOf(record: NodeRecord | undefined, uid: string, now: EpochMillis): NodeHistory {
  if (record === undefined || record.uid !== uid) {
    return { at: now, firstSeenAt: now, everReady: false, gpuNode: false, gpuHighWater: 0 };
  }
  return {
    at: now,
    firstSeenAt: record.firstSeenAt,
    everReady: record.everReady,
    gpuNode: record.gpuNode,
    ...gpuHistoryOf(record),
  };
}

/** An older version counted units that no label explained as GPUs: they are units to compare with, and prove nothing. */
function gpuHistoryOf({ gpu, gpuHighWater }: NodeRecord): Pick<NodeHistory, "gpuHighWater" | "gpu"> {
  if (gpu !== undefined) return { gpuHighWater, gpu };
  return gpuHighWater > 0 ? { gpuHighWater: 0, gpu: { units: gpuHighWater } } : { gpuHighWater };
}
