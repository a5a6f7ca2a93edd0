import fc from "fast-check";
import { expect, test } from "vitest";
import { createLineSplitter } from "../../../packages/kubernetes/src/reflector/line-splitter.ts";

/** Cuts bytes at the given fractions of their length. */
function cut(bytes: Uint8Array, at: readonly number[]): Uint8Array[] {
  const ends = [...at.map((part) => Math.floor(part * bytes.length)), bytes.length].toSorted((a, b) => a - b);
  return ends.map((end, index) => bytes.subarray(index === 0 ? 0 : ends[index - 1], end));
}

test("I-10: lines of UTF-8 come out whole however the bytes are cut", () => {
  const line = fc
    .string({ unit: "grapheme", minLength: 1 })
    .filter((text) => text.trim() !== "" && !text.includes("\n"));
  const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 30 });
  fc.assert(
    fc.property(fc.array(line), cuts, (lines, at) => {
      const splitter = createLineSplitter();
      const bytes = new TextEncoder().encode(lines.map((text) => `${text}\n`).join(""));
      expect(cut(bytes, at).flatMap((chunk) => splitter.push(chunk))).toEqual(lines);
    }),
  );
});

test("I-10: what follows the last newline is held back", () => {
  const splitter = createLineSplitter();
  expect(splitter.push(Buffer.from('{"a":1}\n{"b"'))).toEqual(['{"a":1}']);
  expect(splitter.push(Buffer.from(":2}\n"))).toEqual(['{"b":2}']);
});

test("a character of four bytes may be cut anywhere", () => {
  const splitter = createLineSplitter();
  const bytes = Buffer.from("a😀b\n");
  const lines = [...bytes].flatMap((byte) => splitter.push(Uint8Array.of(byte)));
  expect(lines).toEqual(["a😀b"]);
});

test("a line without an end does not fill the memory", () => {
  const splitter = createLineSplitter(10);
  splitter.push(Buffer.from("12345678"));
  expect(() => splitter.push(Buffer.from("12345678"))).toThrow(RangeError);
});
