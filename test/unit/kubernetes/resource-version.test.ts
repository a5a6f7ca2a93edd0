import fc from "fast-check";
import { expect, test } from "vitest";
import { compareResourceVersions } from "@node-agent/kubernetes";

test.each([
  ["9", "10", -1],
  ["10", "9", 1],
  ["10", "10", 0],
  // Beyond 2^53: as Numbers these two are equal.
  ["9007199254740993", "9007199254740992", 1],
  ["340282366920938463463374607431768211455", "99999999999999999999999999999999999999", 1],
])("I-11: %s against %s by length, then text (KEP-5504)", (one, other, order) => {
  expect(compareResourceVersions(one, other)).toBe(order);
});

test.each(["", "0", "01", "1a", "-1", "1.5", " 1"])("I-11: %j is not comparable", (version) => {
  expect(compareResourceVersions(version, "5")).toBeUndefined();
  expect(compareResourceVersions("5", version)).toBeUndefined();
});

test("I-11: the order is that of the integers, whatever their size", () => {
  const version = fc.bigInt({ min: 1n, max: 2n ** 128n });
  fc.assert(
    fc.property(version, version, (one, other) => {
      const expected = one === other ? 0 : one < other ? -1 : 1;
      expect(compareResourceVersions(String(one), String(other))).toBe(expected);
    }),
  );
});
