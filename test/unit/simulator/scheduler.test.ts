import fc from "fast-check";
import { expect, test } from "vitest";
import { ManualClock } from "@node-agent/shared/testing/manual-clock.ts";
import { Scheduler } from "../../../packages/simulator/src/world/scheduler.ts";
import { pass } from "./manual-world.ts";

test("appointments run in the order of their times, those of one instant in the order they were made", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 60 }), async (spans) => {
      const clock = new ManualClock();
      await using scheduler = new Scheduler(clock);
      const ran: { span: number; index: number }[] = [];
      for (const [index, span] of spans.entries()) scheduler.after(span, () => ran.push({ span, index }));
      await pass(clock, 25, 1);
      const wanted = spans
        .map((span, index) => ({ span, index }))
        .toSorted((a, b) => a.span - b.span || a.index - b.index);
      expect(ran).toEqual(wanted);
    }),
    { numRuns: 40 },
  );
});

test("a cancelled appointment does not happen, and nothing happens before its time", async () => {
  const clock = new ManualClock();
  await using scheduler = new Scheduler(clock);
  const ran: string[] = [];
  scheduler.after(100, () => ran.push("kept"));
  scheduler.after(50, () => ran.push("cancelled")).cancel();
  await pass(clock, 99, 1);
  expect(ran).toEqual([]);
  await pass(clock, 1, 1);
  expect(ran).toEqual(["kept"]);
});

test("an appointment earlier than the one slept for is kept", async () => {
  const clock = new ManualClock();
  await using scheduler = new Scheduler(clock);
  const ran: string[] = [];
  scheduler.after(10_000, () => ran.push("late"));
  await pass(clock, 1, 1);
  scheduler.after(5, () => ran.push("early"));
  await pass(clock, 10, 1);
  expect(ran).toEqual(["early"]);
});

test("however many appointments there are, one sleep serves them", async () => {
  const clock = new ManualClock();
  await using scheduler = new Scheduler(clock);
  for (let index = 0; index < 5000; index += 1) scheduler.after(1000 + index, () => undefined);
  await pass(clock, 1, 1);
  expect(clock.sleeping).toBe(1);
});

test("after disposal nothing runs and nobody sleeps", async () => {
  const clock = new ManualClock();
  const scheduler = new Scheduler(clock);
  const ran: string[] = [];
  scheduler.after(10, () => ran.push("never"));
  await scheduler[Symbol.asyncDispose]();
  await pass(clock, 100, 10);
  expect(ran).toEqual([]);
  expect(clock.sleeping).toBe(0);
});
