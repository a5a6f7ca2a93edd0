import type { Millis } from "@node-agent/shared/core/time.ts";
import type { KubernetesApiError } from "../errors.ts";
import type { EndReason } from "./source-event.ts";
import type { ReflectorTimings } from "./timings.ts";
import type { WatchEnd } from "./watch-stream.ts";

/** Watches that the server has refused in a row from one resourceVersion, after which it is taken to be lost (I-8). */
const REFUSALS_BEFORE_LIST = 3;

/** Watches in a row that were opened and ended without a line, after which the nodes are listed. */
export const EMPTY_WATCHES_BEFORE_LIST = 3;

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
export function isRefusal(reason: EndReason): boolean {
  return !VERSION_UNHARMED.has(reason);
}

/** True when the server opened a stream and then said nothing, not even a bookmark: it may go on like that for ever. */
export function isEmptyWatch({ opened, events, reason }: WatchEnd): boolean {
  return (
    opened && events === 0 && (reason === "Eof" || reason === "ConnectionLost" || reason === "MalformedLine")
  );
}

/** The step after a watch; `refusals` counts this one and those before it in a row without progress. */
export function stepAfterWatch(reason: EndReason, refusals: number): NextStep {
  if (reason === "Gone") return "ListFromLast";
  if (reason === "TooLargeResourceVersion" || refusals >= REFUSALS_BEFORE_LIST) return "ListAfresh";
  return "Watch";
}

/** The step after a list that failed: the same again, or without a version when that may be what is refused. */
export function stepAfterFailedList(reason: EndReason, tried: NextStep): NextStep {
  return isRefusal(reason) ? "ListAfresh" : tried;
}

/** True when a stream was healthy enough to be followed by the next one without a pause (I-7). */
export function needsNoPause(end: WatchEnd, timings: ReflectorTimings): boolean {
  const isOrdinary = end.reason === "Eof" || end.reason === "ConnectionLost" || end.reason === "Silent";
  return isOrdinary && end.events > 0 && end.lived > timings.shortStream;
}

/** The pause after a failure: the backoff's, longer when the server asks for it or a human has to act (I-9). */
export function pauseAfter(
  reason: EndReason,
  error: KubernetesApiError | undefined,
  backoff: Millis,
  timings: ReflectorTimings,
): Millis {
  if (reason === "Forbidden") return timings.forbiddenPause + backoff;
  if (error?.retryAfter === undefined) return backoff;
  return Math.min(error.retryAfter, timings.retryAfterCap) + backoff;
}
