import type { EpochMillis, Millis } from "../time.ts";
import { spreadOf, type Clocks } from "./clocks.ts";
import type { Ledger } from "./ledger.ts";
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
    // Its quarantine runs while it grows, not after it.
    const { quarantineUntil } = restored;
    return { distrust: "TooYoung", why, until: Math.max(grownAt, quarantineUntil), quarantineUntil };
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
): (LedgerDistrust & { readonly quarantineUntil: EpochMillis }) | undefined {
  const quarantineUntil = clocks.latest + longestWindow;
  const seqHighWater = plausible(memory.seqHighWater, clocks.latest);
  if (meta.seq < seqHighWater) {
    const why = `its sequence number went back from ${seqHighWater} to ${meta.seq}: a backup was restored`;
    return { distrust: "WentBack", why, until: quarantineUntil, quarantineUntil };
  }
  if (meta.heartbeatAt + timings.heartbeatMaxAge < clocks.latest) {
    const why = "nobody wrote to it for long: it may be a restored backup, or every gate was down";
    return { distrust: "Silent", why, until: quarantineUntil, quarantineUntil };
  }
  return undefined;
}
