import { joined } from "../core/ledger/sequence.ts";
import type { Clock } from "../ports/clock.ts";
import type { SequenceMemory } from "../ports/sequence-memory.ts";

/** The memory of sequence numbers without Redis; a test may forge or flush it. */
export class MemorySequence implements SequenceMemory {
  /** The highest number so far. */
  highest = 0;
  /** Thrown by every call while it is set. */
  fault: Error | undefined;
  readonly #clock: Pick<Clock, "now">;

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  async raise(seq: number): Promise<number> {
    if (this.fault !== undefined) throw this.fault;
    const highest = joined(this.highest, seq, this.#clock.now());
    if (seq > 0) this.highest = highest;
    return highest;
  }
}
