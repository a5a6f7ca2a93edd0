import type { Millis } from "@node-agent/shared/core/time.ts";

/** The two APIs that faults can be put on. */
export const APIS = ["kubernetes", "civo"] as const;
export type Api = (typeof APIS)[number];

/** Which requests a fault takes; everything left out matches all. */
interface FaultMatch {
  readonly method?: string | undefined;
  /** A prefix of the path, query excluded. */
  readonly path?: string | undefined;
  /** Only watches, or only what is not a watch. */
  readonly watch?: boolean | undefined;
}

/** An answer that the handler did not give. */
export interface CannedAnswer {
  readonly status: number;
  /** Seconds or an HTTP date, sent as `Retry-After`. */
  readonly retryAfter?: string | number | undefined;
  /** A text is sent as it is, anything else as JSON; default: what the API's server says with this status. */
  readonly body?: unknown;
  readonly contentType?: string | undefined;
}

/** What happens to a request. Effects with `afterEvents` let that many watch events through first. */
export type FaultEffect =
  | ({ readonly effect: "status" } & CannedAnswer)
  | ({ readonly effect: "execute-then-status" } & CannedAnswer)
  /** Nothing is executed and nothing is ever answered. */
  | { readonly effect: "hang" }
  /** The connection is reset, nothing is executed. */
  | { readonly effect: "reset" }
  /** Executes and answers, but late; a client that has given up is still executed for. */
  | { readonly effect: "delay"; readonly by: Millis }
  | { readonly effect: "execute-then-reset" }
  | { readonly effect: "execute-then-hang" }
  /** The answer (or the next watch event) is cut in two, then the connection ends. */
  | { readonly effect: "truncate"; readonly afterEvents?: number | undefined }
  /** Headers and half of the answer, then silence. */
  | { readonly effect: "hang-mid-stream"; readonly afterEvents?: number | undefined }
  /** A watch ends cleanly; without `afterEvents` at once and empty. */
  | { readonly effect: "end"; readonly afterEvents?: number | undefined }
  /** A watch loses the events of these objects (default: of all), and nothing else. */
  | { readonly effect: "drop-events"; readonly of?: readonly string[] | undefined }
  /** A watch sends an ERROR event with this code and ends. */
  | {
      readonly effect: "error-event";
      readonly code: number;
      readonly reason?: string | undefined;
      readonly message?: string | undefined;
      readonly afterEvents?: number | undefined;
    };

/** A fault as it is put on an API. */
export type FaultRequest = FaultEffect & {
  readonly api: Api;
  readonly match?: FaultMatch | undefined;
  /** Gone after so many requests; default: stays until it is cleared. */
  readonly times?: number | undefined;
  /** Share of the matching requests that it takes, 0 to 1; default 1. */
  readonly probability?: number | undefined;
};

/** A fault that stands, with what it did so far. */
export interface StandingFault {
  readonly id: number;
  readonly request: FaultRequest;
  readonly taken: number;
}
