/**
 * The reflector keeps a view of the nodes of one cluster and tells its handlers what changes. One loop, so that there
 * is never more than one list or stream at a time (I-15); beside it runs the probe, a small GET each ten seconds. Its phases:
 *
 * Starting     Before the first request. Left for Listing by `start`.
 *
 * Listing      Reads all pages (I-3). Entered at the start; after a 410 (`ListFromLast`: "not older than what I have",
 *              which the server may answer from its cache); after a version the server does not know, three refusals
 *              in a row, or when the view is in doubt, `ListAfresh`: a quorum read, right whatever has happened to the
 *              versions. What a list says replaces what was known, and what the watch should have brought and did not
 *              is counted (`drift.ts`). A list that lost more than half of the nodes is believed only when a second
 *              one, a while later, says so too (I-19). Left for Watching, or for BackingOff when a page fails.
 *
 * Watching     One stream from the last version. An event is taken into the cache and handed to the delivery, and the
 *              stream is read on while a handler is busy: what comes meanwhile waits as the newest state of its node.
 *              The version to resume from stays before the first event that is not accepted (I-12), and the view is no
 *              fresher than the oldest change that no handler has been given (I-16).
 *              Always ends: the server ends it after 5 to 10 minutes, a silence is cut by our watchdog (I-6), a line
 *              that is no JSON makes all that follows untrustworthy (I-10). A stream that lived for more than a second
 *              and gave events is followed by the next at once, any other by BackingOff.
 *
 * BackingOff   A pause with full jitter, longer when the server names one (429, 503); then the same again. The first answer
 *              after an outage starts the backoff again, and the probe ends a pause once the server answers it. An
 *              expired token was dropped by the connection and is read again by the next call.
 *
 * Stopped      Entered from everywhere by `stop`: the one signal that everything here listens to.
 *
 * A watch that runs proves nothing: when the view is in doubt (`view-doubt.ts`) its stream is ended and the next step is
 * ListAfresh.
 *
 * A handler can do no harm: it is called through `delivery.ts`, which keeps what it did not accept.
 */
import type { Millis } from "@node-agent/shared/core/time.ts";
import { earlierOf, laterOf, momentOf, type Moment } from "@node-agent/shared/ports/clock.ts";
import type { ViewFreshness } from "@node-agent/shared/ports/node-source.ts";
import type { KubernetesApiError } from "../errors.ts";
import { createDelivery } from "./delivery.ts";
import { createDriftCount } from "./drift.ts";
import { createMassDisappearanceGuard } from "./mass-disappearance.ts";
import { versionOf } from "./node-cache.ts";
import { provesSight } from "./proof-of-sight.ts";
import { createRecovery, stepAfterFailedList, type NextStep } from "./recovery.ts";
import { compareResourceVersions } from "./resource-version.ts";
import type { Reflector, ReflectorDeps } from "./reflector-parts.ts";
import type { EndReason } from "./source-event.ts";
import { createTeller, isBehind, listFault, takeList } from "./take-list.ts";
import { createUnconfirmedNodes } from "./unconfirmed-nodes.ts";
import { createViewDoubt } from "./view-doubt.ts";
import { relistForEver, startViewProbe } from "./view-probe.ts";
import type { WatchLine } from "./watch-line.ts";
import { createWatchPosition } from "./watch-position.ts";
import { runWatch } from "./watch-stream.ts";

const NODES = "/api/v1/nodes";

/** Starts to list and to watch, until the signal fires. */
export function runReflector(deps: ReflectorDeps): Reflector {
  const { connection, clock, cache, timings, random, report, signal } = deps;
  const delivery = createDelivery(deps);
  const guard = createMassDisappearanceGuard();
  const position = createWatchPosition();
  const unconfirmed = createUnconfirmedNodes(cache);
  const recovery = createRecovery(deps);
  let phase: ViewFreshness["phase"] = "Starting";
  let isSynced = false;
  let lastByte: Moment | undefined;
  let lastError: string | undefined;
  let sendsBookmarks = false;
  let resting = new AbortController();
  let lastLineAt = clock.monotonic();

  /** Data has come: the view is as fresh as this moment. Neither headers nor error answers count. */
  const refresh = (): void => {
    lastByte = momentOf(clock);
  };

  /** Called before more is told: what was seen until now is accepted, or the version to resume from stays behind it. */
  const settleVersion = (): void => {
    if (delivery.pending() === 0) position.accept();
  };

  const tell = createTeller(delivery, report);
  const doubt = createViewDoubt({
    // A list that is under way settles every doubt.
    mayDoubt: () => isSynced && phase !== "Listing",
    version: () => position.seen(),
    report,
  });

  const probe = startViewProbe({
    ...deps,
    path: NODES,
    view: () =>
      isSynced && phase !== "Listing" && doubt.cause() === undefined
        ? {
            version: position.seen(),
            quietFor: clock.monotonic() - lastLineAt,
            nodes: cache.snapshots.size,
          }
        : undefined,
    answered: (asked, nodes) => {
      if (recovery.isCutOff()) resting.abort();
      if (phase !== "Watching" || doubt.cause() !== undefined || nodes === undefined) return;
      if (provesSight(nodes, cache, position.seen())) lastByte = laterOf(asked, lastByte);
    },
    distrust: (cause, server) => doubt.raise(cause, server),
  });

  const forgetNodes = (names: readonly string[]): void => {
    for (const name of names) {
      cache.forget(name);
      delivery.disappeared(name);
    }
  };

  /** Of the nodes that a list did not have: those that the watch has passed over. */
  const forgetUnconfirmed = (): void => {
    const passed = unconfirmed.passed(position.seen());
    if (passed === undefined) return;
    forgetNodes(passed.names);
    report({ type: "DriftFound", ...passed.drift });
  };

  const failed = (reason: EndReason, error: KubernetesApiError | undefined): Millis => {
    lastError = error?.message ?? `the watch ended: ${reason}`;
    return recovery.failed(reason, error);
  };

  const pause = async (span: Millis): Promise<void> => {
    if (signal.aborted) return;
    phase = "BackingOff";
    resting = new AbortController();
    await clock.sleep(span, AbortSignal.any([signal, resting.signal]));
  };

  const listAll = async (notOlderThan: string): Promise<void> => {
    const startedAt = clock.monotonic();
    const known = cache.snapshots.size;
    const cause = doubt.cause();
    const drift = createDriftCount(position.seen(), cause === "Deaf" || cause === "EmptyWatches");
    let wentBack = false;
    const list = await takeList({
      options: {
        connection,
        path: NODES,
        notOlderThan,
        pageDeadline: timings.pageDeadline,
        signal,
        limit: deps.pageLimit,
      },
      cache,
      drift: isSynced ? drift : undefined,
      tell,
      onFirst: async (version) => {
        if (!isSynced) return;
        wentBack = await isBehind(
          version,
          position.seen(),
          doubt.cause() === "WentBack" ? undefined : () => probe.ask(),
        );
      },
      onPage: refresh,
      settled: () => delivery.settled(),
    });
    if (list === undefined) return;
    const { version, pages, missing } = list;
    const { gone, suspects } = guard.judge(missing, known);
    if (suspects > 0) report({ type: "MassDisappearance", missing: suspects, known });
    const isOverdue = drift.isOverdue(version);
    // After a list on time alone the watch goes on from before it, and is heard on what is missing.
    const isHeard = cause === "Relist" && gone.length > 0 && !isOverdue;
    unconfirmed.hold(isHeard ? gone : [], version);
    if (!isHeard) {
      if (isSynced && isOverdue) for (const name of gone) drift.add("Extra", name);
      forgetNodes(gone);
    }
    position.begin(isHeard ? position.seen() : version);
    isSynced = true;
    doubt.settle();
    lastLineAt = clock.monotonic();
    lastError = undefined;
    report({
      type: "ListDone",
      pages,
      nodes: cache.snapshots.size,
      took: lastLineAt - startedAt,
      ...(wentBack ? { wentBack } : {}),
    });
    const found = drift.found();
    if (found !== undefined) report({ type: "DriftFound", ...found });
  };

  const list = async (step: NextStep): Promise<NextStep> => {
    phase = "Listing";
    try {
      await listAll(step === "ListFromLast" ? position.seen() : "");
    } catch (fault) {
      if (signal.aborted) return step;
      const error = listFault(fault);
      report({ type: "ListFailed", reason: error.code });
      await pause(failed(error.code, error));
      return stepAfterFailedList(error.code, step);
    }
    recovery.listed();
    if (!guard.wantsSecondList()) return "Watch";
    await pause(timings.secondListDelay);
    return "ListAfresh";
  };

  const take = (line: Exclude<WatchLine, { kind: "ERROR" }>): void => {
    settleVersion();
    refresh();
    recovery.progressed();
    lastLineAt = clock.monotonic();
    report({ type: "EventReceived", kind: line.kind });
    const version = line.kind === "BOOKMARK" ? line.resourceVersion : versionOf(line.object);
    // Events come in their order: one from behind is a doubled one, or of a server that went back in time.
    if (compareResourceVersions(version ?? "", position.seen()) === -1) probe.hurry();
    if (line.kind === "BOOKMARK") {
      sendsBookmarks = true;
      position.advance(version);
    } else {
      takeObject(line.kind, line.object);
    }
    forgetUnconfirmed();
  };

  const takeObject = (kind: "ADDED" | "MODIFIED" | "DELETED", object: unknown): void => {
    const outcome = cache.watched(kind, object, position.seen());
    if (outcome.kind === "Old") return report({ type: "OldEventDropped" });
    if (outcome.kind === "Unchanged") report({ type: "UnchangedEventDropped" });
    tell(outcome);
    position.advance(versionOf(object));
  };

  const watch = async (): Promise<NextStep> => {
    settleVersion();
    const cut = doubt.watchSignal();
    const end = await runWatch({
      connection,
      clock,
      path: NODES,
      from: position.resume(),
      timings,
      random,
      sendsBookmarks: () => sendsBookmarks,
      signal: AbortSignal.any([signal, cut]),
      onOpen: () => {
        phase = "Watching";
        lastError = undefined;
        report({ type: "WatchOpened" });
      },
      onLine: take,
    });
    const isCut = cut.aborted && !signal.aborted;
    report({ type: "WatchEnded", reason: isCut ? "Relist" : end.reason, lived: end.lived });
    if (signal.aborted || isCut) return "Watch";
    const { step, atOnce, isMute } = recovery.watched(end);
    if (isMute) doubt.raise("EmptyWatches");
    if (!atOnce || end.reason === "Silent") probe.hurry();
    if (!atOnce) await pause(failed(end.reason, end.error));
    return step;
  };

  const loop = async (): Promise<void> => {
    let step: NextStep = "ListAfresh";
    while (!signal.aborted) {
      if (doubt.cause() !== undefined) step = "ListAfresh";
      step = step === "Watch" ? await watch() : await list(step);
    }
    await Promise.all([delivery.settled(), probe.ended, relisting]);
  };
  const relisting = relistForEver(deps, () => doubt.raise("Relist"));

  return {
    freshness: () => ({
      phase: signal.aborted ? "Stopped" : phase,
      synced: isSynced,
      ...(lastByte === undefined
        ? {}
        : { lastByte: earlierOf(lastByte, delivery.waitingSince() ?? lastByte) }),
      ...(lastError === undefined ? {} : { lastError }),
    }),
    serverVersion: async () => probe.compare(position.seen()),
    ended: loop(),
  };
}
