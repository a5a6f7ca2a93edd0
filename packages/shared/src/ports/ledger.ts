import type { Ledger } from "../core/ledger/ledger.ts";
import type { EpochMillis } from "../core/time.ts";

/** Names the state of the ledger that a write builds on; opaque (a resourceVersion). */
export type LedgerVersion = string;

/** What a read of the ledger found. Anything but `Found` means: no reboots. */
export type LedgerReading =
  | {
      readonly state: "Found";
      readonly ledger: Ledger;
      readonly version: LedgerVersion;
      /** Names the object: one that was deleted and created again has another. */
      readonly uid?: string;
      /** When the object was created: a ledger younger than the longest window knows nothing of the time before. */
      readonly createdAt: EpochMillis;
      /** The store's clock, when it told. */
      readonly serverTime?: EpochMillis;
    }
  | { readonly state: "Missing" | "Unreadable" | "Foreign"; readonly why: string };

/**
 * What became of a write. `Conflict`: somebody else wrote first. `Refused`: surely not written (too large, forbidden).
 * `Unknown`: the answer was lost; the write may or may not have happened, and nothing may be built on it.
 */
export type LedgerWrite =
  | { readonly outcome: "Written" }
  | { readonly outcome: "Conflict" | "Refused" | "Unknown"; readonly why: string };

/** The authority on reboots of one cluster, on a linearizable store. */
export interface RebootLedger {
  /** A read without a cache. Throws `KubernetesApiError` (or the like) when nothing is known. */
  read(signal?: AbortSignal): Promise<LedgerReading>;
  /** Writes `next` if the ledger is still the one that was read. Never throws. */
  compareAndWrite(next: Ledger, seen: LedgerVersion, signal?: AbortSignal): Promise<LedgerWrite>;
}
