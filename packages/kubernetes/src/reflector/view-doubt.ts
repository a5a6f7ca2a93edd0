/**
 * When the view is not believed, though its watch runs. A watch from a version that the server has not reached (an etcd
 * restored from a backup) is accepted and silent, and what happens meanwhile is never told. So the nodes are listed when
 *
 *   WentBack       the probe finds the server at an earlier version than ours, twice
 *   Deaf           it finds the server ahead of us, while the watch has brought nothing for two idle time-outs
 *   EmptyWatches   three watches in a row are opened and end without a line
 *   Relist         `relistInterval` has passed, whatever all this says: a watch may lose a single event
 *
 * What looks odd makes the probe hurry: a stream that broke or fell silent, a bookmark or an event from behind. A restored
 * etcd that overtakes our version before the next probe shows only in the last of the four.
 */
import type { DistrustCause, SourceEvent } from "./source-event.ts";

/** Whether the view is believed. While it is in doubt, no watch runs and the next step is a list. */
export interface ViewDoubt {
  readonly cause: () => DistrustCause | "Relist" | undefined;
  /** Doubts the view and ends the watch that runs. The first cause stays until `settle`. */
  raise(cause: DistrustCause | "Relist", server?: string): void;
  /** A list has settled it. */
  settle(): void;
  /** A signal for the next watch, aborted as soon as the view is in doubt. */
  watchSignal(): AbortSignal;
}

/** Makes a view that is believed. `mayDoubt`: false while a list is under way, which settles everything. */
export function createViewDoubt(deps: {
  readonly mayDoubt: () => boolean;
  readonly version: () => string;
  readonly report: (event: SourceEvent) => void;
}): ViewDoubt {
  let cause: DistrustCause | "Relist" | undefined;
  let watch = new AbortController();
  return {
    cause: () => cause,
    raise: (next, server) => {
      if (cause !== undefined || !deps.mayDoubt()) return;
      cause = next;
      if (next !== "Relist") {
        const known = server === undefined ? {} : { server };
        deps.report({ type: "ViewDistrusted", cause: next, ours: deps.version(), ...known });
      }
      watch.abort(new Error("the view is in doubt"));
    },
    settle: () => {
      cause = undefined;
    },
    watchSignal: () => {
      watch = new AbortController();
      return watch.signal;
    },
  };
}
