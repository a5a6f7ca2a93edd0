import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { parseQuantity, wholeUnits } from "@node-agent/shared/core/quantity.ts";

describe("parseQuantity reads what apimachinery reads", () => {
  test.each<[string, bigint]>([
    ["0", 0n],
    ["8", 8_000n],
    ["1k", 1_000_000n],
    ["7910m", 7_910n],
    ["1.5Gi", 1_610_612_736_000n],
    ["16Ki", 16_384_000n],
    ["12e6", 12_000_000_000n],
    ["1E", 10n ** 21n],
    ["1E3", 1_000_000n],
    ["1e-3", 1n],
    ["5E-3", 5n],
    ["1e+2", 100_000n],
    [".5", 500n],
    ["5.", 5_000n],
    ["+5", 5_000n],
    ["-1.5", -1_500n],
    ["100u", 1n],
    ["1n", 1n],
    ["-1n", -1n],
    ["5000000n", 5n],
    ["5000001n", 6n],
    ["5000000e-9", 5n],
    ["1e-400", 1n],
    ["0e99", 0n],
    ["0.001Ki", 1_024n],
  ])("%s", (text, millis) => {
    expect(parseQuantity(text)).toBe(millis);
  });

  test.each(["1e400", "9e9999999999", "99999999E", "9223372036854775808"])(
    "%s is capped at 2^63 - 1 units",
    (text) => {
      expect(parseQuantity(text)).toBe((2n ** 63n - 1n) * 1000n);
    },
  );

  test.each([
    "",
    " ",
    ".",
    "+",
    "-",
    "1e",
    "1e+",
    "1.5.1",
    "1 k",
    " 1",
    "1 ",
    "1ki",
    "1K",
    "1mi",
    "0x10",
    "१",
    "NaN",
    "Infinity",
    "--1",
    "1\n",
    "9".repeat(65),
  ])("%j is no quantity", (text) => {
    expect(parseQuantity(text)).toBeUndefined();
  });
});

test("any text is read or refused, never thrown at", () => {
  const hostile = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.stringMatching(/^[+-]?[0-9]{0,70}\.?[0-9]{0,70}([eE][+-]?[0-9]{0,25}|[KMGTPE]i?|[numk])?$/),
  );
  fc.assert(
    fc.property(hostile, (text) => {
      const millis = parseQuantity(text);
      expect(millis === undefined || typeof millis === "bigint").toBe(true);
    }),
  );
});

test("whole thousandths are read exactly, however they are written", () => {
  fc.assert(
    fc.property(fc.bigInt(0n, 10n ** 12n), (units) => {
      expect(parseQuantity(`${units}`)).toBe(units * 1000n);
      expect(parseQuantity(`${units}m`)).toBe(units);
      expect(parseQuantity(`${units}k`)).toBe(units * 1_000_000n);
      expect(parseQuantity(`${units}e3`)).toBe(units * 1_000_000n);
      expect(parseQuantity(`${units / 1000n}.${String(units % 1000n).padStart(3, "0")}`)).toBe(units);
    }),
  );
});

describe("wholeUnits", () => {
  test.each<[string, number | undefined]>([
    ["1k", 1000],
    ["1999m", 1],
    ["-3", 0],
    ["nonsense", undefined],
    ["1E", undefined],
  ])("%s is %s", (text, units) => {
    expect(wholeUnits(text)).toBe(units);
  });
});
