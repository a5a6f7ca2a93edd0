/** Remembers the highest sequence number of the ledger outside of it, to notice a restored backup. A hint: see `joined`. */
export interface SequenceMemory {
  /** Joins a number (0 only reads) and returns the highest so far. */
  raise(seq: number): Promise<number>;
}
