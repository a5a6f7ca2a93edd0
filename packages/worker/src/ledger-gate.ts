/**
 * The ledger as a worker uses it. One session per reboot transaction: read once, asked many times, written once before
 * the call. Whatever is not a clear "written" means that nothing is called.
 */
import { rebootWaitOf } from "@node-agent/shared/core/due.ts";
import { clocksOf, type Clocks } from "@node-agent/shared/core/ledger/clocks.ts";
import type { Ledger, LedgerOutcome } from "@node-agent/shared/core/ledger/ledger.ts";
import { joined } from "@node-agent/shared/core/ledger/sequence.ts";
import {
  pruned,
  withHeartbeat,
  withIntent,
  withOutcome,
  withQuarantine,
  withRecovery,
  type LedgerIntent,
  type LedgerWriter,
} from "@node-agent/shared/core/ledger/steps.ts";
import { windowOf, type LedgerTimings } from "@node-agent/shared/core/ledger/timings.ts";
import { distrustOf, type LedgerDistrust } from "@node-agent/shared/core/ledger/trust.ts";
import type { RepairPolicy } from "@node-agent/shared/core/policy.ts";
import type { EpochMillis, Millis } from "@node-agent/shared/core/time.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import type { LedgerReading, LedgerWrite, RebootLedger } from "@node-agent/shared/ports/ledger.ts";
import type { SequenceMemory } from "@node-agent/shared/ports/sequence-memory.ts";

export interface LedgerGateDeps {
  readonly ledger: RebootLedger;
  readonly memory: SequenceMemory;
  readonly clock: Clock;
  readonly policy: RepairPolicy;
  readonly timings: LedgerTimings;
  /** Names this process in the ledger. */
  readonly self: string;
}

/** The ledger at one moment, trusted. */
export interface LedgerSession {
  readonly ledger: Ledger;
  readonly clocks: Clocks;
  /** Writes an intent on exactly this state of the ledger. A VM that ever had GPUs keeps their wait, whatever it says now. */
  intend(intent: LedgerIntent, signal: AbortSignal): Promise<LedgerWrite>;
}

/** A session, or why there is none. */
export type LedgerOpening =
  | { readonly open: true; readonly session: LedgerSession }
  | { readonly open: false; readonly why: string; readonly until?: EpochMillis; readonly ledger?: Ledger };

type FoundLedger = Extract<LedgerReading, { state: "Found" }>;

/** Nobody reboots by such a ledger, but it lives: what is only young or in quarantine must not fall silent meanwhile. */
function mayBeWritten({ distrust, quarantineUntil }: LedgerDistrust): boolean {
  return quarantineUntil === undefined && (distrust === "Quarantine" || distrust === "TooYoung");
}

/** Attempts to write an outcome against other writers; after them the intent stands, which is safe and less precise. */
const MAX_OUTCOME_WRITES = 8;

export class LedgerGate {
  readonly #deps: LedgerGateDeps;
  #seen = 0;

  constructor(deps: LedgerGateDeps) {
    this.#deps = deps;
  }

  /** Reads the ledger and judges whether it may be built on. Throws when the store of either cannot be asked. */
  async open(redisNow: EpochMillis, signal?: AbortSignal): Promise<LedgerOpening> {
    // Before the ledger: a number that another gate reaches between the two reads must not look like a step back.
    const seqHighWater = await this.#join(0);
    const readAt = this.#deps.clock.monotonic();
    const reading = await this.#deps.ledger.read(signal);
    if (reading.state !== "Found") return { open: false, why: `${reading.state}: ${reading.why}` };
    const clocks = this.#clocks(reading, redisNow);
    const distrust = this.#distrust(reading, seqHighWater, clocks);
    if (distrust !== undefined) {
      await this.#quarantine(reading, readAt, clocks, distrust, signal);
      return {
        open: false,
        why: `${distrust.distrust}: ${distrust.why}`,
        until: distrust.until,
        ledger: reading.ledger,
      };
    }
    await this.#join(reading.ledger.meta.seq);
    return { open: true, session: this.#session(reading, readAt, clocks) };
  }

  #distrust(reading: FoundLedger, seqHighWater: number, clocks: Clocks): LedgerDistrust | undefined {
    const { policy, timings } = this.#deps;
    const longest = windowOf(Math.max(policy.rebootWait.standard, policy.rebootWait.gpu), timings);
    return distrustOf(reading.ledger, reading.createdAt, { seqHighWater }, clocks, longest, timings);
  }

  /**
   * Nothing is written on a reading older than the send deadline: a store that was restored meanwhile may use the same
   * version again, and a paused process must not overwrite what it never saw.
   */
  #isStale(readAt: Millis): boolean {
    return this.#deps.clock.monotonic() - readAt > this.#deps.timings.sendDeadline;
  }

  #session(reading: FoundLedger, readAt: Millis, clocks: Clocks): LedgerSession {
    const { ledger: store, timings, policy } = this.#deps;
    return {
      ledger: reading.ledger,
      clocks,
      intend: async (intent, signal) => {
        const gpuNode = intent.gpu || reading.ledger.entries.get(intent.instanceId)?.gpu === true;
        const window = windowOf(rebootWaitOf({ gpuNode }, policy), timings);
        const base = pruned(reading.ledger, clocks, timings);
        const next = withIntent(base, { ...intent, gpu: gpuNode }, window, this.#writer(clocks));
        if (this.#isStale(readAt)) return { outcome: "Refused", why: "too long since the ledger was read" };
        const write = await store.compareAndWrite(next, reading.version, signal);
        if (write.outcome === "Written") await this.#join(next.meta.seq);
        return write;
      },
    };
  }

  /** Writes what became of a call or of its wait. Returns false when it could not: the entry then keeps its window. */
  async settle(
    instanceId: string,
    token: string,
    outcome: LedgerOutcome,
    redisNow: EpochMillis,
  ): Promise<boolean> {
    return this.#update(redisNow, (ledger, writer) =>
      withOutcome(ledger, instanceId, token, outcome, writer, this.#deps.timings),
    );
  }

  /** Writes that the node of a reboot is well again. Returns false when it could not: its place then stays taken. */
  async recover(instanceId: string, token: string, redisNow: EpochMillis): Promise<boolean> {
    return this.#update(redisNow, (ledger, writer) => withRecovery(ledger, instanceId, token, writer));
  }

  /** Gives a sign of life when nobody did for half the time in which one is expected. */
  async beat(redisNow: EpochMillis): Promise<void> {
    const { timings } = this.#deps;
    await this.#update(redisNow, (ledger, writer) => {
      const age = writer.clocks.latest - ledger.meta.heartbeatAt;
      // A ledger that was silent for too long is not revived here: whoever opens it puts it in quarantine first.
      const due = age > timings.heartbeatMaxAge / 3 && age <= timings.heartbeatMaxAge;
      return due ? withHeartbeat(ledger, writer) : ledger;
    });
  }

  async #update(
    redisNow: EpochMillis,
    step: (ledger: Ledger, writer: LedgerWriter) => Ledger,
  ): Promise<boolean> {
    for (let attempt = 0; attempt < MAX_OUTCOME_WRITES; attempt += 1) {
      const seqHighWater = await this.#join(0);
      const readAt = this.#deps.clock.monotonic();
      const reading = await this.#deps.ledger.read();
      if (reading.state !== "Found") return false;
      const clocks = this.#clocks(reading, redisNow);
      const distrust = this.#distrust(reading, seqHighWater, clocks);
      if (distrust !== undefined && !mayBeWritten(distrust)) {
        // Every write is a sign of life, and must not revive a ledger that is to be put in quarantine first. Who comes
        // here does that, too: when all that is left to do is to write outcomes, nobody opens the ledger for a reboot.
        await this.#quarantine(reading, readAt, clocks, distrust, undefined);
        return false;
      }
      const next = step(reading.ledger, this.#writer(clocks));
      if (next === reading.ledger) return true;
      if (this.#isStale(readAt)) continue;
      const { outcome } = await this.#deps.ledger.compareAndWrite(next, reading.version);
      if (outcome === "Written") {
        await this.#join(next.meta.seq);
        return true;
      }
      if (outcome === "Refused") return false;
    }
    return false;
  }

  async #quarantine(
    reading: FoundLedger,
    readAt: Millis,
    clocks: Clocks,
    { quarantineUntil }: LedgerDistrust,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    if (quarantineUntil === undefined || this.#isStale(readAt)) return;
    const next = withQuarantine(reading.ledger, quarantineUntil, this.#seen, this.#writer(clocks));
    // A conflict means that another gate wrote: it quarantines as well, or the next opening does.
    const { outcome } = await this.#deps.ledger.compareAndWrite(next, reading.version, signal);
    if (outcome === "Written") await this.#join(next.meta.seq);
  }

  /** Remembers a number of the ledger (0 only asks), and returns the highest that any gate saw. */
  async #join(seq: number): Promise<number> {
    const remembered = await this.#deps.memory.raise(seq);
    this.#seen = Math.max(this.#seen, joined(remembered, seq, this.#deps.clock.now()));
    return this.#seen;
  }

  #clocks(reading: LedgerReading, redisNow: EpochMillis): Clocks {
    const server = reading.state === "Found" ? reading.serverTime : undefined;
    return clocksOf([this.#deps.clock.now(), redisNow, ...(server === undefined ? [] : [server])]);
  }

  #writer(clocks: Clocks): LedgerWriter {
    return { by: this.#deps.self, clocks };
  }
}

/** Pauses are heard even in a ledger that may not be built on. */
export function ledgerOf(opening: LedgerOpening | undefined): Ledger | undefined {
  if (opening === undefined) return undefined;
  return opening.open ? opening.session.ledger : opening.ledger;
}
