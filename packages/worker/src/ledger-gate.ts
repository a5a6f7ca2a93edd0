/**
 * The ledger as a worker uses it. One session per reboot transaction: read once, asked many times, written once before
 * the call. Whatever is not a clear "written" means that nothing is called.
 */
import { rebootWaitOf } from "@node-agent/shared/core/due.ts";
import { clocksOf, type Clocks } from "@node-agent/shared/core/ledger/clocks.ts";
import type { Ledger, LedgerGrant, LedgerOutcome } from "@node-agent/shared/core/ledger/ledger.ts";
import { grantOf } from "@node-agent/shared/core/ledger/grant.ts";
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
import {
  distrustOf,
  type LedgerDistrust,
  type LedgerMemory,
  type LedgerSight,
} from "@node-agent/shared/core/ledger/trust.ts";
import type { PlanLedger } from "@node-agent/shared/core/plan/plan.ts";
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
  /** Waits for a random span up to `most`, so that writers that met do not meet again. */
  readonly jitter: (most: Millis) => Promise<void>;
}

/** The ledger at one moment, trusted; what a repair transaction is given of it. */
export interface LedgerSession extends Extract<PlanLedger, { state: "Trusted" }> {
  /** When the window of a VM ends that is repaired now. */
  windowEnd(vm: Pick<LedgerIntent, "instanceId" | "gpu">): EpochMillis;
  /** Writes an intent on exactly this state of the ledger. A VM that ever had GPUs keeps their wait, whatever it says now. */
  intend(intent: LedgerIntent, signal: AbortSignal): Promise<IntentWrite>;
}

/** What became of an intent. `grant`: the repair began under it. */
export type IntentWrite = LedgerWrite & { readonly grant?: LedgerGrant };

/** A session, or why there is none; pauses are heard even in a ledger that may not be built on. */
export type LedgerOpening = LedgerSession | Extract<PlanLedger, { state: "Distrusted" }>;

/** What a process saw of one object. */
interface KnownLedger extends LedgerSight {
  readonly object: string;
}

/** A read of the ledger, and when it began. */
interface Read {
  readonly reading: LedgerReading;
  /** What was remembered then: a number that another write reaches meanwhile must not look like a step back. */
  readonly before: Required<Pick<LedgerMemory, "shared" | "seqHighWater">> & {
    readonly known: KnownLedger | undefined;
  };
  readonly readAt: Millis;
}

type FoundLedger = Extract<LedgerReading, { state: "Found" }>;

/** Nobody reboots by such a ledger, but it lives: what is only young or in quarantine must not fall silent meanwhile. */
function mayBeWritten({ distrust, quarantineUntil }: LedgerDistrust): boolean {
  return quarantineUntil === undefined && (distrust === "Quarantine" || distrust === "TooYoung");
}

/** Attempts to write an outcome against other writers; after them the intent stands, which is safe and less precise. */
const MAX_OUTCOME_WRITES = 32;

/** The longest pause after the first write that others came before; it grows with each. */
export const CONFLICT_PAUSE: Millis = 30;

export class LedgerGate {
  readonly #deps: LedgerGateDeps;
  #seen = 0;
  /** This very object as it was last trusted, or written; what proves that a silent ledger is no restored one. */
  #known: KnownLedger | undefined;
  #silentSince: EpochMillis | undefined;

  constructor(deps: LedgerGateDeps) {
    this.#deps = deps;
  }

  /** Reads the ledger and judges whether it may be built on. Throws when the store of either cannot be asked. */
  async open(redisNow: EpochMillis, signal?: AbortSignal): Promise<LedgerOpening> {
    const { reading, before, readAt } = await this.#read(signal);
    if (reading.state !== "Found") return { state: "Distrusted", why: `${reading.state}: ${reading.why}` };
    const clocks = this.#clocks(reading, redisNow);
    const distrust = this.#distrust(reading, before, clocks);
    if (distrust !== undefined) {
      await this.#quarantine(reading, readAt, clocks, distrust, signal);
      return {
        state: "Distrusted",
        why: `${distrust.distrust}: ${distrust.why}`,
        until: distrust.until,
        ledger: reading.ledger,
      };
    }
    await this.#join(reading.ledger.meta.seq);
    this.#know(reading, reading.ledger.meta.seq, clocks);
    return this.#session(reading, readAt, clocks);
  }

  #distrust(reading: FoundLedger, before: Read["before"], clocks: Clocks): LedgerDistrust | undefined {
    const { policy, timings } = this.#deps;
    const longest = windowOf(Math.max(policy.rebootWait.standard, policy.rebootWait.gpu), timings);
    const { known, ...numbers } = before;
    const memory = {
      ...numbers,
      ...(known?.object === objectOf(reading) ? { known } : {}),
      ...(this.#silentSince === undefined ? {} : { silentSince: this.#silentSince }),
    };
    const found = distrustOf(reading.ledger, reading.createdAt, memory, clocks, longest, timings);
    if (found?.distrust !== "Silent") this.#silentSince = undefined;
    else if (this.#silentSince === undefined) {
      this.#silentSince = clocks.latest;
      return this.#distrust(reading, before, clocks);
    }
    return found;
  }

  /** Remembers the state of the ledger that this process trusted or wrote. */
  #know(reading: FoundLedger, seq: number, { earliest }: Clocks): void {
    this.#known = { seq, at: earliest, object: objectOf(reading) };
  }

  /**
   * Looks at the ledger while Redis cannot be asked: it is not written to meanwhile, and one that was seen all the time is
   * no restored one when Redis comes back without its memory. Throws when it cannot be read.
   */
  async watch(): Promise<void> {
    const reading = await this.#deps.ledger.read();
    const known = this.#known;
    if (reading.state !== "Found" || known?.object !== objectOf(reading)) return;
    const clocks = this.#clocks(reading, this.#deps.clock.now());
    const { seq } = reading.ledger.meta;
    const unbroken = clocks.latest - known.at <= this.#deps.timings.heartbeatMaxAge;
    if (unbroken && seq >= known.seq) this.#know(reading, seq, clocks);
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
    const hasGpus = ({ gpu, instanceId }: Pick<LedgerIntent, "instanceId" | "gpu">): boolean =>
      gpu || reading.ledger.entries.get(instanceId)?.gpu === true;
    const spanOf = (gpuNode: boolean): Millis => windowOf(rebootWaitOf({ gpuNode }, policy), timings);
    return {
      state: "Trusted",
      ledger: reading.ledger,
      clocks,
      windowEnd: (vm) => clocks.latest + spanOf(hasGpus(vm)),
      intend: async (intent, signal) => {
        const gpuNode = hasGpus(intent);
        const window = spanOf(gpuNode);
        const base = pruned(reading.ledger, clocks, timings);
        const next = withIntent(base, { ...intent, gpu: gpuNode }, window, this.#writer(clocks));
        if (this.#isStale(readAt)) return { outcome: "Refused", why: "too long since the ledger was read" };
        const write = await store.compareAndWrite(next, reading.version, signal);
        if (write.outcome !== "Written") return write;
        await this.#wrote(reading, next, clocks);
        const grant = grantOf(next, intent.instanceId);
        return grant === undefined ? write : { ...write, grant };
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
      // One that was silent for too long is seen here only if this process can vouch for it.
      return age > timings.heartbeatMaxAge / 3 ? withHeartbeat(ledger, writer) : ledger;
    });
  }

  async #update(
    redisNow: EpochMillis,
    step: (ledger: Ledger, writer: LedgerWriter) => Ledger,
  ): Promise<boolean> {
    const { clock, jitter } = this.#deps;
    const startedAt = clock.monotonic();
    for (let attempt = 0; attempt < MAX_OUTCOME_WRITES; attempt += 1) {
      const { reading, before, readAt } = await this.#read();
      if (reading.state !== "Found") return false;
      const clocks = this.#clocks(reading, redisNow + readAt - startedAt);
      const distrust = this.#distrust(reading, before, clocks);
      if (distrust !== undefined && !mayBeWritten(distrust)) {
        // Every write is a sign of life, and must not revive a ledger that is to be put in quarantine first. Who comes
        // here does that, too: when all that is left to do is to write outcomes, nobody opens the ledger for a reboot.
        await this.#quarantine(reading, readAt, clocks, distrust, undefined);
        return false;
      }
      const next = step(reading.ledger, this.#writer(clocks));
      this.#know(reading, reading.ledger.meta.seq, clocks);
      if (next === reading.ledger) return true;
      if (this.#isStale(readAt)) continue;
      const { outcome } = await this.#deps.ledger.compareAndWrite(next, reading.version);
      if (outcome === "Written") {
        await this.#wrote(reading, next, clocks);
        return true;
      }
      if (outcome === "Refused") return false;
      await jitter(CONFLICT_PAUSE * (attempt + 1));
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
    if (outcome === "Written") await this.#wrote(reading, next, clocks);
  }

  async #wrote(reading: FoundLedger, { meta }: Ledger, clocks: Clocks): Promise<void> {
    await this.#join(meta.seq);
    this.#know(reading, meta.seq, clocks);
  }

  /** What is remembered is asked before the ledger: of all that happens while it is read, nothing is a step back. */
  async #read(signal?: AbortSignal): Promise<Read> {
    const shared = await this.#join(0);
    const before = { shared, seqHighWater: this.#seen, known: this.#known };
    const readAt = this.#deps.clock.monotonic();
    return { reading: await this.#deps.ledger.read(signal), before, readAt };
  }

  /** Remembers a number of the ledger (0 only asks), and returns the one that Redis remembers. */
  async #join(seq: number): Promise<number> {
    const remembered = joined(await this.#deps.memory.raise(seq), seq, this.#deps.clock.now());
    this.#seen = Math.max(this.#seen, remembered);
    return remembered;
  }

  #clocks({ serverTime }: FoundLedger, redisNow: EpochMillis): Clocks {
    return clocksOf([this.#deps.clock.now(), redisNow, ...(serverTime === undefined ? [] : [serverTime])]);
  }

  #writer(clocks: Clocks): LedgerWriter {
    return { by: this.#deps.self, clocks };
  }
}

/** Names the object that was read: one that was deleted and created again is another. */
function objectOf({ uid, createdAt }: FoundLedger): string {
  return uid ?? String(createdAt);
}
