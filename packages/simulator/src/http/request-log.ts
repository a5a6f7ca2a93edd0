import type { EpochMillis } from "@node-agent/shared/core/time.ts";
import type { Api } from "../faults/fault.ts";

/** One request as a server saw it; it never holds credentials. */
export interface LoggedRequest {
  readonly at: EpochMillis;
  readonly api: Api;
  readonly method: string;
  readonly path: string;
  /** Without the question mark. */
  readonly query: string;
  readonly userAgent: string;
  /** Body of a mutating request, cut at 4 KB. */
  readonly body: string;
  /** Absent while it runs, and when the connection ended without an answer. */
  status?: number;
  /** The fault that took it. */
  faultId?: number;
}

/** The newest requests of both APIs. */
export class RequestLog {
  #entries: LoggedRequest[] = [];
  readonly #size: number;

  constructor(size = 10_000) {
    this.#size = size;
  }

  /** Writes a request down; its status follows. */
  open(entry: LoggedRequest): LoggedRequest {
    this.#entries.push(entry);
    if (this.#entries.length > 2 * this.#size) this.#entries = this.#entries.slice(-this.#size);
    return entry;
  }

  /** Oldest first. */
  list(api?: Api): LoggedRequest[] {
    const newest = this.#entries.slice(-this.#size);
    return api === undefined ? newest : newest.filter((entry) => entry.api === api);
  }

  /** Forgets all. */
  clear(): void {
    this.#entries = [];
  }
}
