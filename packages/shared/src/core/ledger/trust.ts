import type { EpochMillis, Millis } from "../time.ts";
import { spreadOf, type Clocks } from "./clocks.ts";
import type { Ledger, LedgerMeta } from "./ledger.ts";
import { plausible } from "./sequence.ts";
import type { LedgerTimings } from "./timings.ts";

/** Why a ledger that was found may not be built on now. A closed set: it is an answer of `explain`. */
export const DISTRUSTS = ["TooYoung", "ClockSkew", "WentBack", "Silent", "Quarantine"] as const;
export type Distrust = (typeof DISTRUSTS)[number];

/** A reason to hold every reboot, and what ends it. */
export interface LedgerDistrust {
  readonly distrust: Distrust;
  readonly why: string;
  readonly until: EpochMillis;
  /** A quarantine must be written first, so that every gate keeps it: until this instant. */
  readonly quarantineUntil?: EpochMillis;
}

/** What is remembered outside the ledger, to notice that it went back in time. */
export interface LedgerMemory {
  /** The highest sequence number that any gate ever saw; from Redis, and from this process. */
  readonly seqHighWater: number;
  /** The number that Redis remembers; 0 when it lost it. */
  readonly shared?: number;
  /** What this process saw of this very object when it last trusted it; absent: it never did. */
  readonly known?: LedgerSight;
  /** When this process first found the ledger silent and could not vouch for it: others may, for a while. */
  readonly silentSince?: EpochMillis;
}

/** The state of the ledger that a process saw; `at` is the earliest clock of that reading. */
export interface LedgerSight {
  readonly seq: number;
  readonly at: EpochMillis;
}

/**
 * Judges whether the ledger may be trusted now (reboot protocol, 3.4 step 2). `longestWindow` is the window of a GPU
 * node: after it, nothing that happened before the ledger's own knowledge can matter.
 */
export function distrustOf(
  ledger: Ledger,
  createdAt: EpochMillis,
  memory: LedgerMemory,
  clocks: Clocks,
  longestWindow: Millis,
  timings: LedgerTimings,
): LedgerDistrust | undefined {
  const now = clocks.earliest;
  const grownAt = createdAt + longestWindow;
  // Clocks that disagree cannot tell whether it was silent, and must not date a quarantine that all keep.
  const skewed = spreadOf(clocks) > timings.clockSkew;
  const restored = skewed ? undefined : restoredOf(ledger, memory, clocks, longestWindow, timings);
  if (grownAt > now) {
    const why = "it is younger than the longest wait window";
    if (restored === undefined) return { distrust: "TooYoung", why, until: grownAt };
    // First it is known whether it was restored; then its quarantine runs while it grows, not after it.
    if (restored.quarantineUntil === undefined) return restored;
    const until = Math.max(grownAt, restored.until);
    return { ...restored, distrust: "TooYoung", why, until };
  }
  if (skewed) {
    const why = `clocks are ${Math.round(spreadOf(clocks) / 1000)} s apart, ${timings.clockSkew / 1000} s are allowed`;
    return { distrust: "ClockSkew", why, until: now + timings.clockSkew };
  }
  if (restored !== undefined) return restored;
  if (ledger.meta.quarantineUntil > now) {
    return { distrust: "Quarantine", why: "it is in quarantine", until: ledger.meta.quarantineUntil };
  }
  return undefined;
}

/** Signs that the store went back in time: a quarantine must be written. */
function restoredOf(
  { meta }: Ledger,
  memory: LedgerMemory,
  clocks: Clocks,
  longestWindow: Millis,
  timings: LedgerTimings,
): LedgerDistrust | undefined {
  const quarantineUntil = clocks.latest + longestWindow;
  const seqHighWater = plausible(memory.seqHighWater, clocks.latest);
  if (meta.seq < seqHighWater) {
    const why = `its sequence number went back from ${seqHighWater} to ${meta.seq}: a backup was restored`;
    return { distrust: "WentBack", why, until: quarantineUntil, quarantineUntil };
  }
  if (!isSilent(meta, clocks, timings) || goesOn(meta, memory, clocks, timings)) return undefined;
  const why = "nothing was written to it for long: it may be a restored backup, or every worker was down";
  const othersUntil = (memory.silentSince ?? 0) + patience(timings);
  if (othersUntil > clocks.latest) return { distrust: "Silent", why, until: othersUntil };
  return { distrust: "Silent", why, until: quarantineUntil, quarantineUntil };
}

/** Nothing was written for so long that every live process may have lost sight of the ledger. */
function isSilent(
  { heartbeatAt }: LedgerMeta,
  { latest }: Clocks,
  { heartbeatMaxAge }: Pick<LedgerTimings, "heartbeatMaxAge">,
): boolean {
  return heartbeatAt + heartbeatMaxAge < latest;
}

/** For so long a process that cannot vouch for a silent ledger leaves it to those that may: twice their beat. */
function patience({ heartbeatMaxAge }: Pick<LedgerTimings, "heartbeatMaxAge">): Millis {
  return heartbeatMaxAge / 3;
}

/**
 * A silent ledger is the one that this process saw, and no write to it can be missing: it is written to in sight of both
 * the API server and Redis, so what was written after the last sight stands in the memory of Redis, unless Redis lost
 * it. Then the ledger must be exactly the one that was seen, a moment ago. A restored Redis alone proves nothing: it may
 * have been restored together with the cluster (decision 24).
 */
function goesOn(
  meta: LedgerMeta,
  { known, shared = 0 }: LedgerMemory,
  clocks: Clocks,
  { heartbeatMaxAge }: Pick<LedgerTimings, "heartbeatMaxAge">,
): boolean {
  if (known === undefined || meta.seq < known.seq) return false;
  const wasWrittenOnlyInSight = meta.heartbeatAt <= known.at + heartbeatMaxAge;
  const redisStillKnows = shared >= known.seq;
  const justSeen = meta.seq === known.seq && clocks.latest - known.at <= heartbeatMaxAge;
  return wasWrittenOnlyInSight && (redisStillKnows || justSeen);
}
