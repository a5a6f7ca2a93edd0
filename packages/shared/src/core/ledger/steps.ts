/**
 * The writes of the ledger, pure. Every write raises `seq` by one and is a heartbeat; windows only ever grow while their
 * outcome is open. The one write that shortens a window says that nothing was sent, or that the cloud refused.
 */
import type { EpochMillis, Millis } from "../time.ts";
import type { Clocks } from "./clocks.ts";
import type { Ledger, LedgerEntry, LedgerMeta, LedgerOutcome } from "./ledger.ts";
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
>;

/** Writes the intent to reboot: from now on it counts as a reboot, whatever becomes of the call. */
export function withIntent(
  ledger: Ledger,
  intent: LedgerIntent,
  window: Millis,
  writer: LedgerWriter,
): Ledger {
  const before = ledger.entries.get(intent.instanceId);
  const notBefore = Math.max(before?.notBefore ?? 0, writer.clocks.latest + window);
  const gpu = intent.gpu || before?.gpu === true;
  return write(ledger, writer, (seq) => ({
    ...intent,
    seq,
    gpu,
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
  if (entry === undefined || entry.token !== token || entry.outcome === outcome) return ledger;
  const surelyNotDone = outcome === "NotSent" || outcome === "Rejected";
  // Only the writer of an open intent can know that nothing happened; a settled entry keeps its window.
  if (surelyNotDone && entry.outcome !== "Intent") return ledger;
  const notBefore = surelyNotDone ? writer.clocks.latest + timings.cooldown : entry.notBefore;
  const attempt = surelyNotDone ? entry.attempt - 1 : entry.attempt;
  return write(ledger, writer, (seq) => ({ ...entry, seq, outcome, notBefore, attempt }));
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
  const meta = { ...ledger.meta, seq: Math.max(ledger.meta.seq, seqHighWater) };
  return { ...ledger, meta: { ...beaten(meta, writer), quarantineUntil } };
}

/** A sign of life, without which a ledger is taken for a restored one. */
export function withHeartbeat(ledger: Ledger, writer: LedgerWriter): Ledger {
  return { ...ledger, meta: beaten(ledger.meta, writer) };
}

/** Leaves out settled entries that nothing asks about any more. */
export function pruned(ledger: Ledger, clocks: Clocks, timings: Pick<LedgerTimings, "keep">): Ledger {
  const entries = new Map(
    [...ledger.entries].filter(([, entry]) => {
      const old = Math.max(entry.at, entry.notBefore) + timings.keep < clocks.earliest;
      return !old;
    }),
  );
  return entries.size === ledger.entries.size ? ledger : { ...ledger, entries };
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
    heartbeatAt: Math.max(meta.heartbeatAt, clocks.latest),
    heartbeatBy: by,
  };
}
