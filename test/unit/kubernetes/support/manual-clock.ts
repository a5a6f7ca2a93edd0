import type { Clock } from "@node-agent/shared/ports/clock.ts";

/** A clock that stands still until the test moves it. */
export interface ManualClock extends Clock {
  /** Moves time, waking sleepers in the order of their time, and lets all that follows from each run. */
  advance(span: number): Promise<void>;
  /** Lets everything run that needs no time. */
  settle(): Promise<void>;
  readonly sleepers: () => number;
}

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

async function settle(): Promise<void> {
  // Promise chains of any depth end before the next turns of the event loop.
  for (let turn = 0; turn < 4; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** A clock at `start`, in milliseconds since the epoch. */
export function manualClock(start = Date.UTC(2026, 10, 23)): ManualClock {
  let now = 0;
  let sleepers: Sleeper[] = [];
  return {
    now: () => start + now,
    monotonic: () => now,
    sleep: (span, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted === true || span <= 0) return resolve();
        const sleeper: Sleeper = { at: now + span, wake: resolve };
        sleepers.push(sleeper);
        signal?.addEventListener(
          "abort",
          () => {
            sleepers = sleepers.filter((other) => other !== sleeper);
            resolve();
          },
          { once: true },
        );
      }),
    advance: async (span) => {
      const until = now + span;
      await settle();
      for (;;) {
        const [next] = sleepers.toSorted((one, other) => one.at - other.at);
        if (next === undefined || next.at > until) break;
        now = next.at;
        sleepers = sleepers.filter((other) => other !== next);
        next.wake();
        await settle();
      }
      now = until;
      await settle();
    },
    settle,
    sleepers: () => sleepers.length,
  };
}
