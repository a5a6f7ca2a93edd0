import type { Millis } from "@node-agent/shared/core/time.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";

/** A signal that fires when its time is over or when the caller's own signal does. */
export interface Deadline {
  readonly signal: AbortSignal;
  /** True when the time ran out, as opposed to an abort by the caller. */
  readonly expired: () => boolean;
  /** Stops the clock; the caller's signal stays connected (an open stream has no deadline but can be aborted). */
  disarm(): void;
  /** Stops the clock and lets go of the caller's signal. */
  release(): void;
}

/** Starts a deadline on the injected clock; it must be released, or a long-lived outer signal collects listeners. */
export function startDeadline(clock: Clock, span: Millis, outer?: AbortSignal): Deadline {
  const controller = new AbortController();
  const timer = new AbortController();
  let expired = false;
  const onOuter = (): void => controller.abort(outer?.reason);
  if (outer?.aborted === true) onOuter();
  else outer?.addEventListener("abort", onOuter, { once: true });
  const expire = async (): Promise<void> => {
    await clock.sleep(span, timer.signal);
    if (timer.signal.aborted || controller.signal.aborted) return;
    expired = true;
    controller.abort(new Error(`no answer within ${span} ms`));
  };
  void expire();
  return {
    signal: controller.signal,
    expired: () => expired,
    disarm: () => timer.abort(),
    release: () => {
      timer.abort();
      outer?.removeEventListener("abort", onOuter);
    },
  };
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error("aborted");
}

/** Settles as the promise does, or rejects with the signal's reason as soon as it fires; the work itself goes on. */
export function abortable<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(asError(signal.reason));
    if (signal.aborted) onAbort();
    else signal.addEventListener("abort", onAbort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
