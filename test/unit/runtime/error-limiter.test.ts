import { expect, test } from "vitest";
import { SECOND } from "@node-agent/shared/core/time.ts";
import { createErrorLimiter } from "@node-agent/shared/runtime/error-limiter.ts";
import { ManualClock } from "@node-agent/shared/testing/manual-clock.ts";
import { memoryLogger } from "./log-lines.ts";

function start() {
  const clock = new ManualClock();
  const { logger, lines } = memoryLogger();
  return { clock, lines, limiter: createErrorLimiter({ logger, clock, message: "Redis connection error" }) };
}

test("a flood of one error is one line per interval, which counts the rest", () => {
  const { clock, lines, limiter } = start();
  for (let index = 0; index < 3100; index += 1) limiter.report(new Error("READONLY You can't write"));
  expect(lines()).toHaveLength(1);
  clock.advance(30 * SECOND);
  limiter.report(new Error("READONLY You can't write"));
  expect(lines()[1]).toMatchObject({ suppressed: 3099, msg: "Redis connection error" });
});

test("another kind of error is not hidden by the flood", () => {
  const { lines, limiter } = start();
  limiter.report(new Error("READONLY a"));
  limiter.report(new Error("READONLY b"));
  limiter.report(Object.assign(new Error("refused"), { code: "ECONNREFUSED" }));
  expect(lines().map((line) => (line["err"] as { message: string }).message)).toEqual([
    "READONLY a",
    "refused",
  ]);
});

test("errors whose kind changes each time cost neither lines nor memory without end", () => {
  const { lines, limiter } = start();
  for (let index = 0; index < 1000; index += 1)
    limiter.report(Object.assign(new Error("x"), { code: `E${index}` }));
  expect(lines().length).toBeLessThanOrEqual(33);
});

test("trouble that comes and goes is told once per interval, and the reporter knows which was told", () => {
  const { clock, limiter } = start();
  const told: boolean[] = [];
  for (let second = 0; second < 61; second += 1) {
    told.push(limiter.report(new Error("READONLY")));
    clock.advance(SECOND);
  }
  expect(told.flatMap((logged, second) => (logged ? [second] : []))).toEqual([0, 30, 60]);
});
