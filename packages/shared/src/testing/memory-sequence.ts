import type { SequenceMemory } from "../ports/sequence-memory.ts";

/** The memory of sequence numbers without Redis; a test may forge or flush it. */
export class MemorySequence implements SequenceMemory {
  /** The highest number so far. */
  highest = 0;
  /** Thrown by every call while it is set. */
  fault: Error | undefined;

  async raise(seq: number): Promise<number> {
    if (this.fault !== undefined) throw this.fault;
    this.highest = Math.max(this.highest, seq);
    return this.highest;
  }
}
