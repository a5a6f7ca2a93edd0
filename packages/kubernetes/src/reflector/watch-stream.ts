import { SECOND, type Millis } from "@node-agent/shared/core/time.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import type { KubernetesConnection } from "../connection/connection.ts";
import { KubernetesApiError } from "../errors.ts";
import { createLineSplitter } from "./line-splitter.ts";
import type { EndReason } from "./source-event.ts";
import type { ReflectorTimings } from "./timings.ts";
import { parseWatchLine, type WatchLine } from "./watch-line.ts";

/** How a watch ended. It always ends; only the reasons differ. */
export interface WatchEnd {
  readonly reason: EndReason;
  /** For all reasons that an API call or an ERROR event gave. */
  readonly error?: KubernetesApiError;
  /** From the headers to the end; 0 when there were none. */
  readonly lived: Millis;
  /** Events and bookmarks taken in. */
  readonly events: number;
  /** Its headers came: the server took the watch. */
  readonly opened: boolean;
}

/** What one watch needs. */
export interface WatchOptions {
  readonly connection: KubernetesConnection;
  readonly clock: Clock;
  readonly path: string;
  /** The resourceVersion after which events are wanted. */
  readonly from: string;
  readonly timings: ReflectorTimings;
  readonly random: () => number;
  /** Whether this server has been seen to send bookmarks; asked again at every step. */
  readonly sendsBookmarks: () => boolean;
  readonly signal: AbortSignal;
  readonly onOpen: () => void;
  /** Called for each line but ERROR, one after the other; must not throw. */
  readonly onLine: (line: Exclude<WatchLine, { kind: "ERROR" }>) => void;
}

type Verdict = Pick<WatchEnd, "reason" | "error">;

/** Aborts the stream when no byte has come for too long. */
function startWatchdog(clock: Clock, allowed: () => Millis, step: Millis, onSilence: () => void) {
  const stopped = new AbortController();
  let lastByte = clock.monotonic();
  const watch = async (): Promise<void> => {
    while (!stopped.signal.aborted) {
      const left = lastByte + allowed() - clock.monotonic();
      if (left <= 0) return onSilence();
      // In steps, because the first bookmark shortens what is allowed while this sleeps.
      await clock.sleep(Math.min(left, step), stopped.signal);
    }
  };
  void watch();
  return {
    heard: () => {
      lastByte = clock.monotonic();
    },
    stop: () => stopped.abort(),
  };
}

async function readLines(
  chunks: AsyncIterable<Uint8Array>,
  options: WatchOptions,
  watchdog: Pick<ReturnType<typeof startWatchdog>, "heard">,
  counted: () => void,
): Promise<Verdict> {
  const splitter = createLineSplitter();
  for await (const chunk of chunks) {
    watchdog.heard();
    for (const text of splitter.push(chunk)) {
      if (options.signal.aborted) return { reason: "Aborted" };
      const line = parseWatchLine(text);
      if (line === undefined) return { reason: "MalformedLine" };
      if (line.kind === "ERROR") return { reason: line.error.code, error: line.error };
      options.onLine(line);
      counted();
    }
  }
  return { reason: "Eof" };
}

/** Opens one watch and takes in its lines until it ends; resolves with how, never rejects. */
export async function runWatch(options: WatchOptions): Promise<WatchEnd> {
  const { connection, clock, timings, random, signal } = options;
  const life = timings.watchLifeMin + random() * (timings.watchLifeMax - timings.watchLifeMin);
  const timeoutSeconds = Math.max(1, Math.round(life / SECOND));
  const cut = new AbortController();
  const onAbort = (): void => cut.abort(signal.reason);
  if (signal.aborted) onAbort();
  else signal.addEventListener("abort", onAbort, { once: true });
  let openedAt: Millis | undefined;
  let events = 0;
  let isSilent = false;
  let watchdog: ReturnType<typeof startWatchdog> | undefined;
  const run = async (): Promise<Verdict> => {
    const { chunks } = await connection.stream(options.path, {
      query: {
        watch: "true",
        resourceVersion: options.from,
        allowWatchBookmarks: "true",
        timeoutSeconds: String(timeoutSeconds),
      },
      deadline: timings.headersDeadline,
      signal: cut.signal,
    });
    openedAt = clock.monotonic();
    options.onOpen();
    const allowed = (): Millis =>
      options.sendsBookmarks()
        ? timings.silenceWithBookmarks
        : timeoutSeconds * SECOND + timings.silenceMargin;
    watchdog = startWatchdog(clock, allowed, timings.silenceWithBookmarks, () => {
      isSilent = true;
      cut.abort(new Error("silent"));
    });
    return readLines(chunks, options, watchdog, () => {
      events += 1;
    });
  };
  let verdict: Verdict;
  try {
    verdict = await run();
  } catch (fault) {
    const error =
      fault instanceof KubernetesApiError
        ? fault
        : new KubernetesApiError("MalformedAnswer", "watch: cannot be read", { cause: fault });
    verdict = isSilent ? { reason: "Silent" } : { reason: error.code, error };
  } finally {
    watchdog?.stop();
    signal.removeEventListener("abort", onAbort);
    cut.abort(new Error("ended"));
  }
  const lived = openedAt === undefined ? 0 : clock.monotonic() - openedAt;
  return { ...verdict, events, opened: openedAt !== undefined, lived };
}
