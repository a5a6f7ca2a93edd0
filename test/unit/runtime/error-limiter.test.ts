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

test("the end of the trouble tells what was left out, and the next trouble is logged at once", () => {
  const { lines, limiter } = start();
  limiter.report(new Error("READONLY"));
  limiter.report(new Error("READONLY"));
  limiter.settle();
  limiter.settle();
  limiter.report(new Error("READONLY"));
  expect(lines().map(({ level, suppressed }) => ({ level, suppressed }))).toEqual([
    { level: "error", suppressed: 0 },
    { level: "info", suppressed: 1 },
    { level: "error", suppressed: 0 },
  ]);
});
