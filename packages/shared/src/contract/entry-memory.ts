import type { LedgerEntry } from "../core/ledger/ledger.ts";

/** An entry as it stood in the store. */
interface Known {
  readonly text: string;
  readonly entry: LedgerEntry;
}

/**
 * The entries of the ledger that was read last, by their text. After a bad night a ledger has a thousand entries, each
 * write changes one of them, and every reboot reads and writes them all: what has not changed is not parsed again. Only
 * the exact text of an entry brings it back, and nobody can change what is remembered.
 */
export class EntryMemory {
  #known: ReadonlyMap<string, Known> = new Map();
  readonly #texts = new WeakMap<LedgerEntry, string>();

  /** The entry that this very text was read as under this key. */
  entryOf(key: string, text: unknown): LedgerEntry | undefined {
    const known = this.#known.get(key);
    return known?.text === text ? known?.entry : undefined;
  }

  /** What an entry is written as, if it was read and would be written as it was. */
  textOf(entry: LedgerEntry): string | undefined {
    return this.#texts.get(entry);
  }

  /** Keeps what was read, by key, and forgets everything else. */
  keep(read: ReadonlyMap<string, Known>): void {
    for (const { entry, text } of read.values()) {
      if (this.#texts.has(entry)) continue;
      Object.freeze(entry);
      Object.freeze(entry.earlier);
      this.#texts.set(entry, text);
    }
    this.#known = read;
  }
}
