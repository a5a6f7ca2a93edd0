import { describe, expect, test } from "vitest";
import type { TimedStep } from "../../../packages/shared/src/contract/metric-labels.ts";
import { SECOND } from "../../../packages/shared/src/core/time.ts";
import { ManualClock } from "../../../packages/shared/src/testing/manual-clock.ts";
import { LoopLateness } from "../../../packages/worker/src/stopwatch.ts";
import type { Transaction } from "../../../packages/worker/src/reboot-transaction.ts";
import { SendDeadline, type Missed } from "../../../packages/worker/src/send-deadline.ts";
import { Stopwatch } from "../../../packages/worker/src/stopwatch.ts";
import { TIMINGS, World } from "./world.ts";

const LIMIT = 5 * SECOND;

function setUp() {
  const clock = new ManualClock();
  const blamed: string[] = [];
  const timings = { ...TIMINGS, sendDeadline: LIMIT };
  const deadline = new SendDeadline({ clock, timings, onMissed: (step) => void blamed.push(step) });
  /** A transaction whose steps take so long, and during which the process stands still for `stood`. */
  const late = async (
    steps: Partial<Record<TimedStep, number>>,
    stood = 0,
    node = "node-1",
  ): Promise<Missed> => {
    const lateness = { watch: () => ({ late: () => stood, [Symbol.dispose]: () => undefined }) };
    const stopwatch = new Stopwatch(clock, lateness);
    const started = { startedMono: clock.monotonic(), startedWall: clock.now() };
    const transaction = { node, stopwatch, ...started } as unknown as Transaction;
    for (const [step, took] of Object.entries(steps)) {
      await stopwatch.time(step as TimedStep, async () => clock.advance(took));
    }
    expect(deadline.isOver(transaction)).toBe(true);
    return deadline.missed(transaction);
  };
  return { clock, deadline, blamed, late };
}

/** Lets what waits for the clock run. */
async function turn(): Promise<void> {
  for (let i = 0; i < 5; i += 1) await Promise.resolve();
}

describe("a missed send deadline", () => {
  test("names what took how long, the slowest first, and blames that", async () => {
    const { late, blamed } = setUp();
    expect(await late({ Ledger: 300, Node: 4100, Cloud: 1200, Redis: 20 })).toMatchObject({
      why: "5.6 s since the first read, 5 s are allowed: the node read took 4.1 s, the cloud 1.2 s, the ledger 0.3 s",
    });
    expect(blamed).toEqual(["Node"]);
  });

  test("is tried again after a pause that doubles up to a minute, and is short again after a success", async () => {
    const { late, deadline } = setUp();
    const pauses: number[] = [];
    for (let i = 0; i < 7; i += 1) pauses.push((await late({ Cloud: 6000 })).pause / SECOND);
    expect(pauses).toEqual([5, 10, 20, 40, 60, 60, 60]);
    expect((await late({ Cloud: 6000 }, 0, "node-2")).pause).toBe(5 * SECOND);
    deadline.kept("node-1");
    expect((await late({ Cloud: 6000 })).pause).toBe(5 * SECOND);
  });

  test("is tried again at once when the process stood still and everything else was in time", async () => {
    const { late, blamed } = setUp();
    expect(await late({ Node: 7000 }, 3000)).toEqual({
      why: "7 s since the first read, 5 s are allowed: this process stood still for 3 s, the node read took 7 s",
      pause: 0,
    });
    expect(blamed).toEqual(["Process"]);
  });

  test("is no fault of a process that stood still for less than what was too much", async () => {
    const { late, blamed } = setUp();
    expect((await late({ Node: 9000 }, 3000)).pause).toBe(5 * SECOND);
    expect(blamed).toEqual(["Node"]);
  });

  test("is not tried at once for ever", async () => {
    const { late } = setUp();
    const pauses: number[] = [];
    for (let i = 0; i < 5; i += 1) pauses.push((await late({ Node: 7000 }, 7000)).pause / SECOND);
    expect(pauses).toEqual([0, 0, 0, 40, 60]);
  });

  test("remembers a bounded number of nodes", async () => {
    const { late } = setUp();
    await late({ Cloud: 6000 });
    for (let i = 0; i < 1000; i += 1) await late({ Cloud: 6000 }, 0, `other-${i}`);
    expect((await late({ Cloud: 6000 })).pause).toBe(5 * SECOND);
  });
});

test("a slow step holds the repair by the gate Deadline, with a pause that grows and ends by a success", async () => {
  const world = new World();
  await world.due();
  let slow = true;
  const processor = world.processor(
    world.processorDeps(async (point, call) => {
      const value = await call();
      if (slow && point === "reader.read") world.clock.advance(11 * SECOND);
      return value;
    }),
  );
  const { signal } = new AbortController();
  const why = expect.stringMatching(/^11 s since the first read, 10 s are allowed: the node read took 11 s/u);
  for (const pause of [10 * SECOND, 20 * SECOND]) {
    const run = await processor.run("node-1", signal);
    expect(run).toMatchObject({ gate: "Deadline", at: world.clock.now() + pause, why });
  }
  expect(world.missed).toEqual(["Node", "Node"]);
  expect(world.executor.calls).toEqual([]);
  slow = false;
  await processor.run("node-1", signal);
  expect(world.executor.calls).toHaveLength(1);
});

describe("the lateness of the event loop", () => {
  test("is what a timer comes too late, counted while a watch lasts", async () => {
    const clock = new ManualClock();
    const lateness = new LoopLateness(clock);
    using watch = lateness.watch();
    clock.advance(50);
    await turn();
    expect(watch.late()).toBe(0);
    clock.advance(1050);
    await turn();
    expect(watch.late()).toBe(1000);
    using second = lateness.watch();
    clock.advance(70);
    // Before its timer was handled.
    expect(second.late()).toBe(20);
    await turn();
    expect([watch.late(), second.late()]).toEqual([1020, 20]);
  });

  test("costs nothing while none watches", async () => {
    const clock = new ManualClock();
    const lateness = new LoopLateness(clock);
    lateness.watch()[Symbol.dispose]();
    clock.advance(60);
    await turn();
    expect(clock.sleeping).toBe(0);
    clock.advance(10_000);
    using watch = lateness.watch();
    expect(watch.late()).toBe(0);
    expect(clock.sleeping).toBe(1);
  });
});
