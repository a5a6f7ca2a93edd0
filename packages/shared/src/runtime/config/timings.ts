import type { z } from "zod";
import { DEFAULT_POLICY } from "../../core/policy.ts";
import { MINUTE, SECOND, type Millis } from "../../core/time.ts";
import { duration, POSITIVE } from "./kinds.ts";
import { section, setting } from "./setting.ts";

const span = (fallback: Millis, meaning: string): z.ZodType<Millis> =>
  setting(duration(POSITIVE), fallback, { meaning });

/** Every duration of the protocol that operators rarely touch; tests shrink them to run the real code fast. */
export const timings = section({
  beatInterval: span(
    5 * SECOND,
    "How often a watcher writes to Redis that it sees the cluster; five times a second while a repair is near.",
  ),
  viewMaxAge: span(
    DEFAULT_POLICY.viewMaxAge,
    "A view of the cluster older than this is blind: no clock advances and nothing is rebooted.",
  ),
  blindGrace: setting(duration(), DEFAULT_POLICY.blindGrace, {
    meaning: "After the cluster was out of sight, and at the first start, nothing is rebooted for this long.",
  }),
  watchTimeout: span(
    5 * MINUTE,
    "Shortest life asked of a watch (timeoutSeconds); the longest is twice this.",
  ),
  watchIdleTimeout: span(150 * SECOND, "A watch without a byte for this long is dead and is opened again."),
  viewProbeInterval: span(
    10 * SECOND,
    "About how often a watcher compares its view with the API server, by one small read: on a quiet cluster this is how far observed time lags.",
  ),
  relistInterval: span(
    30 * MINUTE,
    "About how often a watcher lists all nodes and compares them with its view, whatever the watch says.",
  ),
  watchHeadersTimeout: span(30 * SECOND, "Deadline for the headers of a list or watch answer."),
  listPageTimeout: span(60 * SECOND, "Deadline for one page of the node list."),
  watchBackoffMin: span(0.8 * SECOND, "First pause after a failed list or watch; doubles with each failure."),
  watchBackoffMax: span(30 * SECOND, "Longest pause between attempts to list or watch."),
  watchBackoffReset: span(2 * MINUTE, "A watch that lived this long starts again with the first pause."),
  nodeReadDeadline: span(10 * SECOND, "Deadline of a fresh read of one node before a reboot."),
  sendDeadline: span(
    5 * SECOND,
    "A reboot is sent only within this time of the first read that justified it (S of the protocol).",
  ),
  cloudCallDeadline: span(
    10 * SECOND,
    "A call to the cloud is aborted after this time (D of the protocol); a reboot call then counts as done.",
  ),
  cloudConnectDeadline: span(5 * SECOND, "Deadline for connecting to the cloud."),
  cloudReadDeadline: span(
    15 * SECOND,
    "Deadline for reading one instance from the cloud; the list of all of them may take twice as long.",
  ),
  planInterval: span(
    3 * SECOND,
    "How often the repairs of the whole fleet are planned, by whichever worker has the turn.",
  ),
  gateRecheck: span(15 * SECOND, "How long a due reboot that a gate holds back waits before it asks again."),
  retryPause: span(60 * SECOND, "Pause after a reboot that was clearly not done (not sent, or refused)."),
  shortestPause: span(
    SECOND,
    "The least time before a pending reboot looks again: a skewed clock must not make it spin.",
  ),
  lockDuration: span(
    30 * SECOND,
    "How long a job of a worker that fell silent stays locked, and the others take it to be alive.",
  ),
  stalledInterval: span(
    5 * SECOND,
    "How often workers look for jobs of dead workers. Every worker must have the same.",
  ),
  redisConnectTimeout: span(10 * SECOND, "Deadline of one attempt to connect to Redis."),
  shutdownGrace: span(25 * SECOND, "How long a process may take to finish its work after SIGTERM."),
});
