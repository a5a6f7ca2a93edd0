/**
 * The writes of the ledger, pure. Every write of a gate raises `seq` by one and is a heartbeat; windows only ever grow
 * while their outcome is open. The one write that shortens a window says that nothing was sent, or that the cloud refused.
 *
 * The writes of an operator (pauses, grants) are neither: a gate tells a restored backup by its silence and its low
 * `seq`, and a command given to such a ledger must not make it look alive or new.
 */
import { PAUSED, pauseOf, stands, type PauseScope } from "../pause.ts";
import { DAY, type EpochMillis, type Millis } from "../time.ts";
import type { Clocks } from "./clocks.ts";
import type { Ledger, LedgerEntry, LedgerMeta, LedgerOrder, LedgerOutcome, LedgerPause } from "./ledger.ts";
import { withoutOldGrants, withResult, withUse } from "./grant.ts";
import { earlierOf } from "./history.ts";
import { plausible } from "./sequence.ts";
import type { LedgerTimings } from "./timings.ts";

/** A new ledger: without reboots, and without trust until it is as old as the longest window. */
export function emptyLedger(cluster: string, by: string, now: EpochMillis): Ledger {
  return {
    meta: {
      schema: 1,
      cluster,
      seq: 0,
      heartbeatAt: now,
      heartbeatBy: by,
      quarantineUntil: 0,
      pausedPools: {},
      pausedNodes: {},
    },
    entries: new Map(),
  };
}

/** Who writes, and when. */
export interface LedgerWriter {
  readonly by: string;
  readonly clocks: Clocks;
}

/** The facts of an intent that its writer brings. */
export type LedgerIntent = Pick<
  LedgerEntry,
  "instanceId" | "node" | "pool" | "zone" | "checker" | "bootIdBefore" | "attempt" | "token" | "gpu"
> & {
  /** Every failing checker that asks for a repair: what a grant of a checker is asked for. */
  readonly checkers?: readonly string[];
};

/** Writes the intent to reboot: from now on it counts as a reboot, whatever becomes of the call. */
export function withIntent(
  ledger: Ledger,
  { checkers = [], ...intent }: LedgerIntent,
  window: Millis,
  writer: LedgerWriter,
): Ledger {
  const before = ledger.entries.get(intent.instanceId);
  const notBefore = Math.max(before?.notBefore ?? 0, writer.clocks.latest + window);
  const gpu = intent.gpu || before?.gpu === true;
  const earlier = earlierOf(before, writer.clocks.earliest);
  const { checker } = intent;
  const subject = { ...intent, checkers: checker === undefined ? checkers : [checker, ...checkers] };
  const { ledger: used, grant } = withUse(ledger, subject, writer.clocks.latest);
  return write(used, writer, (seq) => ({
    ...intent,
    seq,
    gpu,
    ...(grant === undefined ? {} : { grant }),
    ...(earlier.length === 0 ? {} : { earlier }),
    at: writer.clocks.latest,
    by: writer.by,
    notBefore,
    outcome: "Intent",
  }));
}

/** Writes what became of a call. An entry that a later intent replaced, or that is settled, stays as it is. */
export function withOutcome(
  ledger: Ledger,
  instanceId: string,
  token: string,
  outcome: LedgerOutcome,
  writer: LedgerWriter,
  timings: Pick<LedgerTimings, "cooldown">,
): Ledger {
  const entry = ledger.entries.get(instanceId);
  if (entry === undefined || entry.token !== token || !mayFollow(entry.outcome, outcome)) return ledger;
  // Only the writer of an open intent can know that nothing happened; any other entry keeps its window.
  const surelyNotDone = outcome === "NotSent" || outcome === "Rejected";
  const notBefore = surelyNotDone ? writer.clocks.latest + timings.cooldown : entry.notBefore;
  // What was proven not to have happened is given back as well; its window stays, because the cloud may be late.
  const attempt = surelyNotDone || outcome === "NotExecuted" ? entry.attempt - 1 : entry.attempt;
  // A proof says when the node became well, not that reboots help now: it keeps its place in the row of results.
  const proof = outcome === "Cured" && entry.recoveredAt !== undefined;
  const written = write(ledger, writer, (seq) => ({
    ...entry,
    seq: proof ? entry.seq : seq,
    outcome,
    notBefore,
    attempt,
  }));
  return withResult(written, entry, outcome);
}

/**
 * The node of this entry has been well for long enough to free its place in the limits. Its window stays, and its outcome
 * is written when it is known. An entry that a later intent replaced, or that is settled or free, stays as it is.
 */
export function withRecovery(
  ledger: Ledger,
  instanceId: string,
  token: string,
  writer: LedgerWriter,
): Ledger {
  const entry = ledger.entries.get(instanceId);
  if (entry === undefined || entry.token !== token) return ledger;
  if (entry.recoveredAt !== undefined || !mayFollow(entry.outcome, "Cured")) return ledger;
  const written = write(ledger, writer, (seq) => ({ ...entry, seq, recoveredAt: writer.clocks.latest }));
  return withResult(written, entry, "Recovered");
}

/** An intent is answered, an answer is verified; what is verified, or surely never happened, is the end. */
function mayFollow(before: LedgerOutcome, after: LedgerOutcome): boolean {
  switch (before) {
    case "Intent":
      return after !== "Intent";
    case "Accepted":
    case "Unknown":
      return isVerified(after);
    case "NotSent":
    case "Rejected":
    case "Cured":
    case "StillBad":
    case "NotExecuted":
    case "Gone":
    case "Newer":
      return false;
    default:
      return before satisfies never;
  }
}

function isVerified(outcome: LedgerOutcome): boolean {
  return outcome === "Cured" || outcome === "StillBad" || outcome === "NotExecuted" || outcome === "Gone";
}

/**
 * Nobody reboots before `until`: the store may have gone back in time. The sequence goes on above the highest number that
 * was ever seen, so that this ledger is the newest again and its quarantine ends once.
 */
export function withQuarantine(
  ledger: Ledger,
  until: EpochMillis,
  seqHighWater: number,
  writer: LedgerWriter,
): Ledger {
  const quarantineUntil = Math.max(ledger.meta.quarantineUntil, until);
  const highest = plausible(seqHighWater, writer.clocks.latest);
  const meta = { ...ledger.meta, seq: Math.max(ledger.meta.seq, highest) };
  return { ...ledger, meta: { ...beaten(meta, writer), quarantineUntil } };
}

/**
 * A person vouches for the ledger: its quarantine ends. Where none runs the same ledger comes back, because what a worker
 * finds later is not what this person looked at.
 */
export function withTrust(ledger: Ledger, order: LedgerOrder): Ledger {
  if (ledger.meta.quarantineUntil <= order.since) return ledger;
  return { ...ledger, meta: { ...ledger.meta, quarantineUntil: 0, trusted: order } };
}

/** A sign of life, without which a ledger is taken for a restored one. */
export function withHeartbeat(ledger: Ledger, writer: LedgerWriter): Ledger {
  return { ...ledger, meta: beaten(ledger.meta, writer) };
}

/** Pauses a scope. One that is paused already stays as it is, and the same ledger comes back. */
export function withPause(ledger: Ledger, scope: PauseScope, pause: LedgerPause): Ledger {
  const before = pauseOf(ledger, scope);
  if (before !== undefined && stands(before, pause.since)) return ledger;
  const { meta } = ledger;
  if (scope.level === "fleet") return { ...ledger, meta: { ...meta, paused: pause } };
  const field = PAUSED[scope.level];
  return { ...ledger, meta: { ...meta, [field]: { ...meta[field], [scope.name]: pause } } };
}

/** Ends the pause of exactly this scope; pauses of other levels stay. Nothing to end: the same ledger comes back. */
export function withoutPause(ledger: Ledger, scope: PauseScope): Ledger {
  if (pauseOf(ledger, scope) === undefined) return ledger;
  const { paused: _paused, ...meta } = ledger.meta;
  if (scope.level === "fleet") return { ...ledger, meta };
  const field = PAUSED[scope.level];
  const { [scope.name]: _ended, ...left } = meta[field];
  return { ...ledger, meta: { ...ledger.meta, [field]: left } };
}

/** Leaves out the pauses that have ended by themselves. */
function withoutEndedPauses(ledger: Ledger, now: EpochMillis): Ledger {
  const { paused, ...meta } = ledger.meta;
  const standing = (pauses: LedgerMeta["pausedPools"]): LedgerMeta["pausedPools"] =>
    Object.fromEntries(Object.entries(pauses).filter(([, pause]) => stands(pause, now)));
  const all = [paused, ...Object.values(meta.pausedPools), ...Object.values(meta.pausedNodes)];
  if (all.every((pause) => pause === undefined || stands(pause, now))) return ledger;
  const fleet = paused === undefined || !stands(paused, now) ? {} : { paused };
  const pausedPools = standing(meta.pausedPools);
  return { ...ledger, meta: { ...meta, ...fleet, pausedPools, pausedNodes: standing(meta.pausedNodes) } };
}

/** Leaves out entries that nothing asks about any more: their window is over, and every rate has forgotten them. */
export function pruned(ledger: Ledger, clocks: Clocks, timings: Pick<LedgerTimings, "keep">): Ledger {
  const keep = Math.max(timings.keep, DAY);
  const entries = new Map(
    [...ledger.entries].filter(([, { at, notBefore }]) => Math.max(at, notBefore) + keep >= clocks.earliest),
  );
  const kept = withoutEndedPauses(withoutOldGrants(ledger, clocks.earliest), clocks.earliest);
  return entries.size === ledger.entries.size ? kept : { ...kept, entries };
}

function write(ledger: Ledger, writer: LedgerWriter, entryOf: (seq: number) => LedgerEntry): Ledger {
  const meta = beaten(ledger.meta, writer);
  const entry = entryOf(meta.seq);
  return { meta, entries: new Map(ledger.entries).set(entry.instanceId, entry) };
}

function beaten(meta: LedgerMeta, { by, clocks }: LedgerWriter): LedgerMeta {
  return {
    ...meta,
    seq: meta.seq + 1,
    // A sign of life is stamped with the earliest clock and missed with the latest: a wrong one only holds back.
    heartbeatAt: Math.max(meta.heartbeatAt, clocks.earliest),
    heartbeatBy: by,
  };
}
