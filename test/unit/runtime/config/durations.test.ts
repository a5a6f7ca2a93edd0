import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { HOUR, MINUTE, SECOND } from "@node-agent/shared/core/time.ts";
import {
  formatDuration,
  LONGEST_DURATION,
  parseDuration,
} from "@node-agent/shared/runtime/config/durations.ts";

describe("a written duration", () => {
  test.each([
    ["5m", 5 * MINUTE],
    ["40m", 40 * MINUTE],
    ["2s", 2 * SECOND],
    ["500ms", 500],
    ["1h30m", 90 * MINUTE],
    ["1.5m", 90 * SECOND],
    ["0.5s", 500],
    ["1d", 24 * HOUR],
    ["0", 0],
    [" 5m ", 5 * MINUTE],
  ])("%s is read", (text, span) => {
    expect(parseDuration(text)).toBe(span);
  });

  test.each([
    "",
    "5",
    "m",
    "5 m",
    "5min",
    "-5m",
    "5m5m",
    "30m1h",
    "1e3s",
    "Infinity",
    ".5s",
    "5.s",
    "5M",
    "NaNs",
  ])("%j is refused", (text) => {
    expect(parseDuration(text)).toBeUndefined();
  });

  test("is printed in the largest units", () => {
    expect([0, 500, 90 * SECOND, 40 * MINUTE, 25 * HOUR, -MINUTE].map(formatDuration)).toEqual([
      "0s",
      "500ms",
      "1m30s",
      "40m",
      "25h",
      "-1m",
    ]);
  });

  test("is read back as it was printed, for every duration we take", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: LONGEST_DURATION }), (span) => {
        expect(parseDuration(formatDuration(span))).toBe(span);
      }),
    );
  });

  test("is read or refused, never anything else, whatever is written", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const span = parseDuration(text);
        expect(span === undefined || Number.isInteger(span)).toBe(true);
      }),
    );
  });

  test("of the longest kind still fits a timer", () => {
    expect(LONGEST_DURATION).toBeLessThan(2 ** 31);
  });
});
