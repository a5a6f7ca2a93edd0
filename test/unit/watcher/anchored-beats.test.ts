import { beforeEach, expect, test } from "vitest";
import { ManualClock } from "@node-agent/shared/testing/manual-clock.ts";
import { MemoryStore } from "@node-agent/shared/testing/memory-store.ts";
import { SECOND } from "@node-agent/shared/core/time.ts";
import { anchoredBeats } from "../../../packages/watcher/src/anchored-beats.ts";

let clock: ManualClock;
let store: MemoryStore;

beforeEach(() => {
  clock = new ManualClock();
  store = new MemoryStore(clock);
});

/** A store that a process reaches only after it stood still, as after SIGSTOP. */
function behindFreeze(span: number): MemoryStore {
  return Object.assign(Object.create(store) as MemoryStore, {
    beat: async (age: number, asOf?: number) => {
      clock.advance(span);
      return store.beat(age, asOf);
    },
  });
}

test("a process that stood still between looking and telling does not vouch for that time", async () => {
  const stores = [store, behindFreeze(40 * SECOND)];
  let next = stores[0] ?? store;
  const switching = Object.assign(Object.create(store) as MemoryStore, {
    beat: async (age: number, asOf?: number) => next.beat(age, asOf),
  });
  const beats = anchoredBeats(switching, clock);
  await beats.beat(0);
  clock.advance(5 * SECOND);
  next = stores[1] ?? store;
  const view = await beats.beat(0);
  expect(view.age).toBe(40 * SECOND);
  expect(view.observed).toBe(5 * SECOND);
});

test("the first beat vouches for what was seen when it was measured, too", async () => {
  const view = await anchoredBeats(behindFreeze(10 * SECOND), clock).beat(SECOND);
  expect(view.age).toBe(21 * SECOND);
});

test("without any delay a beat vouches for all that was seen", async () => {
  const beats = anchoredBeats(store, clock);
  expect((await beats.beat(0)).age).toBe(0);
  clock.advance(7 * SECOND);
  expect(await beats.beat(200)).toMatchObject({ age: 200, observed: 7 * SECOND - 200 });
});
