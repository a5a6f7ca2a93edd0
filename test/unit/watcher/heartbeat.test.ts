import { setImmediate as settle } from "node:timers/promises";
import { expect, test } from "vitest";
import { SECOND } from "@node-agent/shared/core/time.ts";
import { ManualClock } from "@node-agent/shared/testing/manual-clock.ts";
import { MemoryNodeSource } from "@node-agent/shared/testing/memory-node-source.ts";
import { runHeartbeat } from "../../../packages/watcher/src/heartbeat.ts";

const INTERVAL = 5 * SECOND;

/** Beats of the next `span` milliseconds, given what `isNear` says. */
async function beatsIn(span: number, isNear: () => Promise<boolean>): Promise<number> {
  const clock = new ManualClock();
  const source = new MemoryNodeSource(clock);
  source.start({ changed: async () => {}, disappeared: async () => {} });
  const stopping = new AbortController();
  let beats = 0;
  const view = { now: clock.now(), observed: 0, age: 0, steady: 0 };
  const ended = runHeartbeat(
    {
      source,
      store: { beat: async () => ({ ...view, beats: (beats += 1) }) } as never,
      clock,
      interval: INTERVAL,
      isNear,
      tellCensus: async () => {},
      onBeat: async () => {},
      onError: () => {},
    },
    stopping.signal,
  );
  for (let at = 0; at < span; at += 100) {
    await settle();
    clock.advance(100);
  }
  stopping.abort();
  await ended;
  return beats;
}

test("a watcher beats each interval", async () => {
  expect(await beatsIn(20 * SECOND, async () => false)).toBe(4);
});

test("while a repair is near, it beats five times a second: observed time must not make the repair late", async () => {
  expect(await beatsIn(20 * SECOND, async () => true)).toBe(100);
});

test("a watcher that cannot ask whether a repair is near beats each interval", async () => {
  expect(await beatsIn(20 * SECOND, async () => Promise.reject(new Error("Redis is away")))).toBe(4);
});
