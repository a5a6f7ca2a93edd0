import { decodeLedger, encodeLedger } from "../contract/ledger-codec.ts";
import type { Ledger } from "../core/ledger/ledger.ts";
import type { EpochMillis } from "../core/time.ts";
import type { LedgerReading, LedgerWrite, RebootLedger } from "../ports/ledger.ts";

/** The ledger's twin: the same bytes and the same compare-and-set, without a cluster. */
export class MemoryLedger implements RebootLedger {
  /** The store's clock; undefined: it does not tell. */
  serverClock: (() => EpochMillis) | undefined;
  #data: Record<string, unknown> | undefined;
  #createdAt: EpochMillis = 0;
  #creations = 0;
  #version = 1;
  /** The cluster that readers belong to; a ledger of another one is foreign. */
  cluster: string;

  constructor(cluster: string, now: () => EpochMillis) {
    this.cluster = cluster;
    this.serverClock = now;
  }

  /** Puts a ledger there as an operator would; `createdAt` is when. */
  create(ledger: Ledger, createdAt: EpochMillis): void {
    this.#data = encodeLedger(ledger);
    this.#createdAt = createdAt;
    this.#creations += 1;
    this.#version += 1;
  }

  /** Replaces the stored bytes, as a backup, a vandal or a mistake would; undefined removes the object. */
  overwrite(data: Record<string, unknown> | undefined): void {
    this.#data = data;
    this.#version += 1;
  }

  /** The stored bytes. */
  get data(): Readonly<Record<string, unknown>> | undefined {
    return this.#data;
  }

  async read(): Promise<LedgerReading> {
    if (this.#data === undefined) return { state: "Missing", why: "there is no ledger" };
    const decoded = decodeLedger(this.#data);
    if (!decoded.ok) return { state: "Unreadable", why: decoded.why };
    const { ledger } = decoded;
    if (ledger.meta.cluster !== this.cluster)
      return { state: "Foreign", why: `it is of ${ledger.meta.cluster}` };
    const version = String(this.#version);
    const serverTime = this.serverClock?.();
    const told = serverTime === undefined ? {} : { serverTime };
    const uid = `uid-${this.#creations}`;
    return { state: "Found", ledger, version, uid, createdAt: this.#createdAt, ...told };
  }

  async compareAndWrite(next: Ledger, seen: string, _signal?: AbortSignal): Promise<LedgerWrite> {
    if (this.#data === undefined) return { outcome: "Refused", why: "there is no ledger" };
    let data: Record<string, unknown>;
    try {
      data = encodeLedger(next);
    } catch (error) {
      return { outcome: "Refused", why: error instanceof Error ? error.message : "not a ledger" };
    }
    if (seen !== String(this.#version)) return { outcome: "Conflict", why: "written since" };
    this.#data = data;
    this.#version += 1;
    return { outcome: "Written" };
  }
}
