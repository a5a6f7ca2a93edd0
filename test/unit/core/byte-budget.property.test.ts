import fc from "fast-check";
import { expect, test } from "vitest";
import { jsonBytes } from "@node-agent/shared/core/byte-budget.ts";

test("the bytes of a value are those of its JSON in UTF-8, whatever characters it has", () => {
  const text = fc.string({ unit: "binary" });
  fc.assert(
    fc.property(fc.oneof(text, fc.array(text), fc.dictionary(text, text)), (value) => {
      expect(jsonBytes(value)).toBe(Buffer.byteLength(JSON.stringify(value)));
    }),
  );
});
