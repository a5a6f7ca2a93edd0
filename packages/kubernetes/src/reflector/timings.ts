import { MINUTE, SECOND, type Millis } from "@node-agent/shared/core/time.ts";

/** Every duration that a reflector knows. */
export interface ReflectorTimings {
  /** The server ends a watch after a random time between these two, sent as `timeoutSeconds`. */
  readonly watchLifeMin: Millis;
  readonly watchLifeMax: Millis;
  /** No byte for so long on a server that sends bookmarks (one a minute): the stream is dead. */
  readonly silenceWithBookmarks: Millis;
  /** On a server that has never sent one, silence is allowed until the watch's own end plus this. */
  readonly silenceMargin: Millis;
  /** Until the headers of a watch are there. */
  readonly headersDeadline: Millis;
  /** Until a page of a list has been read in full. */
  readonly pageDeadline: Millis;
  /** First step of the backoff, doubled per failure up to the cap, with full jitter. */
  readonly backoffBase: Millis;
  readonly backoffCap: Millis;
  /** Health for so long starts the backoff anew. */
  readonly backoffReset: Millis;
  /** A stream must have lived longer than this, and given events, to be followed by the next without a pause. */
  readonly shortStream: Millis;
  /** The longest time that a server's Retry-After is believed. */
  readonly retryAfterCap: Millis;
  /** Until a list that lost most of the nodes is repeated. */
  readonly secondListDelay: Millis;
  /** About how often the view is compared with the server: how far the observed time lags on a quiet cluster. */
  readonly viewProbeInterval: Millis;
  /** About how often all nodes are listed and compared with the view. */
  readonly relistInterval: Millis;
  /** A handler that takes longer counts as failed, and is called again later. */
  readonly handlerDeadline: Millis;
  /** `stop` waits so long for a handler that is running. */
  readonly stopGrace: Millis;
}

/** The durations of requirements I-5 to I-9 and I-19; client-go's where it has one. */
export const REFLECTOR_TIMINGS: ReflectorTimings = {
  watchLifeMin: 5 * MINUTE,
  watchLifeMax: 10 * MINUTE,
  silenceWithBookmarks: 150 * SECOND,
  silenceMargin: 15 * SECOND,
  headersDeadline: 30 * SECOND,
  pageDeadline: 60 * SECOND,
  backoffBase: 0.8 * SECOND,
  backoffCap: 30 * SECOND,
  backoffReset: 2 * MINUTE,
  shortStream: 1 * SECOND,
  retryAfterCap: 2 * MINUTE,
  secondListDelay: 10 * SECOND,
  viewProbeInterval: 10 * SECOND,
  relistInterval: 30 * MINUTE,
  handlerDeadline: 1 * MINUTE,
  stopGrace: 5 * SECOND,
};
