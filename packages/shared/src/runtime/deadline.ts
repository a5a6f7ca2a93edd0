import type { Millis } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";

/** A signal that fires after a span of the injected clock, or with its parent. */
export interface DeadlineSignal extends Disposable {
  readonly signal: AbortSignal;
}

/** Starts a deadline; disposing it ends its timer. Time comes from the clock, so that tests move it. */
export function deadlineSignal(clock: Clock, span: Millis, parent: AbortSignal): DeadlineSignal {
  const late = new AbortController();
  const done = new AbortController();
  const wait = async (): Promise<void> => {
    await clock.sleep(span, done.signal);
    if (!done.signal.aborted) late.abort(new Error(`no answer within ${span} ms`));
  };
  void wait();
  return {
    signal: AbortSignal.any([parent, late.signal]),
    [Symbol.dispose]: () => done.abort(),
  };
}
