/**
 * The reflector keeps a view of the nodes of one cluster and tells its handlers what changes. One loop, so that there
 * is never more than one list or stream at a time (I-15). Its phases:
 *
 * Starting     Before the first request. Left for Listing by `start`.
 *
 * Listing      Reads all pages (I-3). Entered at the start; after a 410 (`ListFromLast`: "not older than what I have",
 *              which the server may answer from its cache); after a version the server does not know, or three
 *              refusals in a row from one version (`ListAfresh`: a quorum read, right whatever has happened to the
 *              versions, e.g. an etcd restored from a backup). What a list says replaces what was known. A list that
 *              lost more than half of the nodes, or all, is believed only when a second one, a while later, says so
 *              too (I-19). Left for Watching, or for BackingOff when a page fails.
 *
 * Watching     One stream from the last version. An event is taken into the cache and handed to the delivery, and the
 *              stream is read on while a handler is busy: what comes meanwhile waits as the newest state of its node.
 *              The version to resume from stays before the first event that is not accepted (I-12), and the view is no
 *              fresher than the oldest change that no handler has been given (I-16).
 *              Always ends: the server ends it after 5 to 10 minutes, a silence is cut by our watchdog (I-6), a line
 *              that is no JSON makes all that follows untrustworthy (I-10). A stream that lived for more than a second
 *              and gave events is followed by the next at once, any other by BackingOff.
 *
 * BackingOff   A pause with full jitter, longer when the server names one (429, 503) or a human must act (403); then
 *              the same again. An expired token was dropped by the connection and is read anew by the next call.
 *
 * Stopped      Entered from everywhere by `stop`: the one signal that everything here listens to.
 *
 * A handler can do no harm: it is called through `delivery.ts`, which keeps what it did not accept.
 */
import type { EpochMillis, Millis } from "@node-agent/shared/core/time.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import type { NodeSourceHandlers, ViewFreshness } from "@node-agent/shared/ports/node-source.ts";
import type { KubernetesConnection } from "../connection/connection.ts";
import { KubernetesApiError } from "../errors.ts";
import { createBackoff } from "./backoff.ts";
import { createDelivery } from "./delivery.ts";
import { listPages } from "./list-pages.ts";
import { createMassDisappearanceGuard } from "./mass-disappearance.ts";
import { nameOf, versionOf, type CacheOutcome, type NodeCache } from "./node-cache.ts";
import {
  isRefusal,
  needsNoPause,
  pauseAfter,
  stepAfterFailedList,
  stepAfterWatch,
  type NextStep,
} from "./recovery.ts";
import { newerResourceVersion } from "./resource-version.ts";
import type { EndReason, SourceEvent } from "./source-event.ts";
import type { ReflectorTimings } from "./timings.ts";
import type { WatchLine } from "./watch-line.ts";
import { runWatch } from "./watch-stream.ts";

const NODES = "/api/v1/nodes";

/** What a reflector is made of. */
export interface ReflectorDeps {
  readonly connection: KubernetesConnection;
  readonly clock: Clock;
  readonly cache: NodeCache;
  readonly handlers: NodeSourceHandlers;
  readonly timings: ReflectorTimings;
  readonly random: () => number;
  readonly report: (event: SourceEvent) => void;
  readonly signal: AbortSignal;
  readonly pageLimit?: number;
}

/** A running reflector. */
export interface Reflector {
  freshness(): ViewFreshness;
  /** Resolves when the signal has fired and nothing runs any more; never rejects. */
  readonly ended: Promise<void>;
}

/** Starts to list and to watch, until the signal fires. */
export function runReflector(deps: ReflectorDeps): Reflector {
  const { connection, clock, cache, timings, random, report, signal } = deps;
  const delivery = createDelivery(deps);
  const guard = createMassDisappearanceGuard();
  const backoff = createBackoff({
    base: timings.backoffBase,
    cap: timings.backoffCap,
    reset: timings.backoffReset,
    clock,
    random,
  });
  let phase: ViewFreshness["phase"] = "Starting";
  let isSynced = false;
  let lastByteAt: EpochMillis | undefined;
  let lastError: string | undefined;
  let sendsBookmarks = false;
  // The newest version seen, and the one to resume from: apart only while a handler owes an acceptance.
  let seen = "";
  let resume = "";
  let refusals = 0;

  /** Data has come: the view is as fresh as this moment. Neither headers nor error answers count. */
  const refresh = (): void => {
    lastByteAt = clock.now();
  };

  /** Called before more is told: what was seen until now is accepted, or the version to resume from stays behind it. */
  const settleVersion = (): void => {
    if (delivery.pending() === 0) resume = seen;
  };

  const advance = (version: string | undefined): void => {
    if (version !== undefined) seen = newerResourceVersion(seen, version);
  };

  const tell = (outcome: CacheOutcome): void => {
    if (outcome.kind === "Malformed") report({ type: "MalformedObject" });
    if (outcome.kind === "Gone") delivery.disappeared(outcome.name);
    if (outcome.kind !== "Changed") return;
    // Another uid under the same name: the one machine is gone, another is there (I-11).
    if (outcome.replaced) delivery.disappeared(outcome.snapshot.name);
    delivery.changed(outcome.snapshot);
  };

  const failed = (reason: EndReason, error: KubernetesApiError | undefined): Millis => {
    lastError = error?.message ?? `the watch ended: ${reason}`;
    return pauseAfter(reason, error, backoff.next(), timings);
  };

  const pause = async (span: Millis): Promise<void> => {
    if (signal.aborted) return;
    phase = "BackingOff";
    await clock.sleep(span, signal);
  };

  const listAll = async (notOlderThan: string): Promise<void> => {
    const startedAt = clock.monotonic();
    const known = cache.snapshots.size;
    const listed = new Set<string>();
    let version = "";
    let pages = 0;
    const { pageDeadline } = timings;
    const limit = deps.pageLimit === undefined ? {} : { limit: deps.pageLimit };
    const options = { connection, path: NODES, notOlderThan, pageDeadline, signal, ...limit };
    for await (const page of listPages(options)) {
      refresh();
      version = page.resourceVersion;
      pages += 1;
      const outcomes = page.items.map((item) => cache.listed(item));
      // A node that cannot be read is there all the same; one that is not ours any more is as good as missing.
      for (const [index, item] of page.items.entries()) {
        if (outcomes[index]?.kind !== "NotSelected") listed.add(nameOf(item) ?? "");
      }
      for (const outcome of outcomes) tell(outcome);
      // Page by page: a fleet that is new must not stand in memory twice.
      await delivery.settled();
      if (signal.aborted) return;
    }
    const missing = [...cache.snapshots.keys()].filter((name) => !listed.has(name));
    const { gone, suspects } = guard.judge(missing, known);
    if (suspects > 0) report({ type: "MassDisappearance", missing: suspects, known });
    for (const name of gone) {
      cache.forget(name);
      delivery.disappeared(name);
    }
    seen = version;
    resume = version;
    isSynced = true;
    lastError = undefined;
    report({ type: "ListDone", pages, nodes: cache.snapshots.size, took: clock.monotonic() - startedAt });
  };

  const list = async (step: NextStep): Promise<NextStep> => {
    phase = "Listing";
    try {
      await listAll(step === "ListFromLast" ? seen : "");
    } catch (fault) {
      if (signal.aborted) return step;
      const error =
        fault instanceof KubernetesApiError
          ? fault
          : new KubernetesApiError("MalformedAnswer", "the list cannot be read", { cause: fault });
      report({ type: "ListFailed", reason: error.code });
      await pause(failed(error.code, error));
      return stepAfterFailedList(error.code, step);
    }
    refusals = 0;
    if (!guard.wantsSecondList()) return "Watch";
    await pause(timings.secondListDelay);
    return "ListAfresh";
  };

  const take = (line: Exclude<WatchLine, { kind: "ERROR" }>): void => {
    settleVersion();
    refresh();
    refusals = 0;
    report({ type: "EventReceived", kind: line.kind });
    if (line.kind === "BOOKMARK") {
      sendsBookmarks = true;
      return advance(line.resourceVersion);
    }
    const outcome = cache.watched(line.kind, line.object, seen);
    if (outcome.kind === "Old") return report({ type: "OldEventDropped" });
    if (outcome.kind === "Unchanged") report({ type: "UnchangedEventDropped" });
    tell(outcome);
    advance(versionOf(line.object));
  };

  const watch = async (): Promise<NextStep> => {
    settleVersion();
    const end = await runWatch({
      connection,
      clock,
      path: NODES,
      from: resume,
      timings,
      random,
      sendsBookmarks: () => sendsBookmarks,
      signal,
      onOpen: () => {
        phase = "Watching";
        lastError = undefined;
        report({ type: "WatchOpened" });
      },
      onLine: take,
    });
    report({ type: "WatchEnded", reason: end.reason, lived: end.lived });
    if (signal.aborted) return "Watch";
    refusals = isRefusal(end.reason) ? refusals + 1 : refusals;
    const step = stepAfterWatch(end.reason, refusals);
    if (!needsNoPause(end, timings)) await pause(failed(end.reason, end.error));
    return step;
  };

  const loop = async (): Promise<void> => {
    let step: NextStep = "ListAfresh";
    while (!signal.aborted) step = step === "Watch" ? await watch() : await list(step);
    await delivery.settled();
  };

  return {
    freshness: () => ({
      phase: signal.aborted ? "Stopped" : phase,
      synced: isSynced,
      ...(lastByteAt === undefined
        ? {}
        : { lastByteAt: Math.min(lastByteAt, delivery.waitingSince() ?? lastByteAt) }),
      ...(lastError === undefined ? {} : { lastError }),
    }),
    ended: loop(),
  };
}
