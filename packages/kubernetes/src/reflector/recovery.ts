import type { Millis } from "@node-agent/shared/core/time.ts";
import type { KubernetesApiError } from "../errors.ts";
import { backoffOf } from "./backoff.ts";
import type { ReflectorDeps } from "./reflector-parts.ts";
import type { EndReason } from "./source-event.ts";
import type { ReflectorTimings } from "./timings.ts";
import type { WatchEnd } from "./watch-stream.ts";

/** Watches that the server has refused in a row from one resourceVersion, after which it is taken to be lost (I-8). */
const REFUSALS_BEFORE_LIST = 3;

/** Watches in a row that were opened and ended without a line, after which the nodes are listed. */
const EMPTY_WATCHES_BEFORE_LIST = 3;

/** What to do after a list or a watch has ended. */
export type NextStep =
  | "Watch"
  /** A list not older than the last known version: the server may answer from its cache. */
  | "ListFromLast"
  /** A list of the state of now, by quorum: right whatever has happened to the versions. */
  | "ListAfresh";

/**
 * Reasons that say nothing about the resourceVersion: the network, an overloaded server, a credential, a right. The
 * version is still good, so that listing again would only add load to a server in trouble (client-go does the same).
 */
const VERSION_UNHARMED: ReadonlySet<EndReason> = new Set<EndReason>([
  "Eof",
  "Silent",
  "MalformedLine",
  "Relist",
  "Contradiction",
  "ConnectFailed",
  "TlsFailed",
  "ConnectionLost",
  "Timeout",
  "CredentialFailed",
  "TooManyRequests",
  "Unavailable",
  "Unauthorized",
  "Forbidden",
  "Aborted",
]);

/** True when the server has answered with an error that may be about the version we asked for. */
function isRefusal(reason: EndReason): boolean {
  return !VERSION_UNHARMED.has(reason);
}

/** True when the server opened a stream and then said nothing, not even a bookmark: it may go on like that for ever. */
function isEmptyWatch({ opened, events, reason }: WatchEnd): boolean {
  return (
    opened && events === 0 && (reason === "Eof" || reason === "ConnectionLost" || reason === "MalformedLine")
  );
}

/** The step after a watch; `refusals` counts this one and those before it in a row without progress. */
function stepAfterWatch(reason: EndReason, refusals: number): NextStep {
  if (reason === "Gone") return "ListFromLast";
  if (reason === "TooLargeResourceVersion" || refusals >= REFUSALS_BEFORE_LIST) return "ListAfresh";
  return "Watch";
}

/** The step after a list that failed: the same again, or without a version when that may be what is refused. */
export function stepAfterFailedList(reason: EndReason, tried: NextStep): NextStep {
  return isRefusal(reason) ? "ListAfresh" : tried;
}

/** True when a stream was healthy enough to be followed by the next one without a pause (I-7). */
function needsNoPause(end: WatchEnd, timings: ReflectorTimings): boolean {
  const isOrdinary = end.reason === "Eof" || end.reason === "ConnectionLost" || end.reason === "Silent";
  return isOrdinary && end.events > 0 && end.lived > timings.shortStream;
}

/**
 * True for answers of a server that works and is not overloaded. After an outage they come first: a server that starts
 * knows no roles yet (403), and its watch cache begins later than our version (410).
 */
function isAnswer(reason: EndReason): boolean {
  return reason === "Gone" || reason === "Forbidden" || reason === "Unauthorized";
}

/** True when no server answered: a server that answers again ends the pause. */
function isOutage(reason: EndReason): boolean {
  return reason === "ConnectFailed" || reason === "TlsFailed" || reason === "Timeout";
}

/** The pause after a failure: the backoff's, longer when the server asks for it (I-9). */
function pauseAfter(
  error: KubernetesApiError | undefined,
  backoff: Millis,
  timings: ReflectorTimings,
): Millis {
  if (error?.retryAfter === undefined) return backoff;
  return Math.min(error.retryAfter, timings.retryAfterCap) + backoff;
}

/** What a reflector remembers of failures in a row. */
export interface Recovery {
  /** A list or a watch has failed: the pause that follows. */
  failed(reason: EndReason, error: KubernetesApiError | undefined): Millis;
  /** A watch has ended: the next step, and whether it may follow at once. */
  watched(end: WatchEnd): { readonly step: NextStep; readonly atOnce: boolean; readonly isMute: boolean };
  /** A list was taken. */
  listed(): void;
  /** The watch has brought something. */
  progressed(): void;
  /** No server answered when the reflector last asked. */
  readonly isCutOff: () => boolean;
}

/** Nothing has failed yet. */
export function createRecovery(deps: Pick<ReflectorDeps, "timings" | "clock" | "random">): Recovery {
  const { timings } = deps;
  const backoff = backoffOf(deps);
  let refusals = 0;
  let empties = 0;
  let gones = 0;
  let isCutOff = false;
  return {
    failed: (reason, error) => {
      if (isCutOff && isAnswer(reason)) backoff.reset();
      isCutOff = isOutage(reason);
      return pauseAfter(error, backoff.next(), timings);
    },
    watched: (end) => {
      const { reason, events } = end;
      empties = isEmptyWatch(end) ? empties + 1 : events > 0 ? 0 : empties;
      refusals = isRefusal(reason) ? refusals + 1 : refusals;
      // The first 410 is the answer of a server that works: list at once. Again and again it is a fault, and costs pauses.
      gones = reason === "Gone" ? gones + 1 : events > 0 ? 0 : gones;
      const atOnce = needsNoPause(end, timings) || (reason === "Gone" && gones === 1);
      if (atOnce) {
        backoff.reset();
        isCutOff = false;
      }
      const isMute = empties >= EMPTY_WATCHES_BEFORE_LIST;
      return { step: stepAfterWatch(reason, refusals), atOnce, isMute };
    },
    listed: () => {
      refusals = 0;
      empties = 0;
    },
    progressed: () => {
      refusals = 0;
    },
    isCutOff: () => isCutOff,
  };
}
