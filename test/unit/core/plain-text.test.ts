import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { cutToBytes, plainLine } from "@node-agent/shared/core/plain-text.ts";

const bytes = (text: string): number => new TextEncoder().encode(text).length;

describe("words of others as one plain line", () => {
  test.each([
    ["a\u001B[31mred\u001B[0m", "a [31mred [0m"],
    ["first\r\nsecond\u2028third\ttab", "first second third tab"],
    ["turned\u202Eround", "turned round"],
    ["broken \uD800 half", "broken half"],
    ["  \u0000 ", ""],
    ["größer ≥ 3 GPUs 🙂", "größer ≥ 3 GPUs 🙂"],
  ])("%j becomes %j", (text, wanted) => expect(plainLine(text)).toBe(wanted));

  test("hold nothing that a terminal or a reader would obey, whatever they are", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
        const line = plainLine(text);
        expect(line).not.toMatch(/[\p{C}\p{Zl}\p{Zp}]/u);
        expect(line.isWellFormed()).toBe(true);
        expect(plainLine(line)).toBe(line);
      }),
    );
  });
});

describe("a text cut to bytes", () => {
  test.each([
    ["short", 5, "short"],
    ["longer", 5, "lo..."],
    ["ééé", 5, "é..."],
    ["🙂🙂", 7, "🙂..."],
    ["🙂🙂", 6, "..."],
  ])("%j to %i bytes is %j", (text, longest, wanted) => expect(cutToBytes(text, longest)).toBe(wanted));

  test("is never longer, never ends within a character, and is left alone when it fits", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme", maxLength: 100 }),
        fc.integer({ min: 3, max: 200 }),
        (text, longest) => {
          const cut = cutToBytes(text, longest);
          expect(bytes(cut)).toBeLessThanOrEqual(longest);
          expect(cut.isWellFormed()).toBe(true);
          const fits = bytes(text) <= longest;
          expect(fits ? text === cut : text.startsWith(cut.slice(0, -3))).toBe(true);
        },
      ),
    );
  });
});
