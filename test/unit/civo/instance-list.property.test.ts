import fc from "fast-check";
import { expect, test } from "vitest";
import { instanceAnswer } from "../../../packages/civo/src/answer.ts";
import { InstanceList } from "../../../packages/civo/src/instance-list.ts";
import { anInstance } from "./support.ts";

const LIMITS = { instances: 50, instanceBytes: 100_000 };

/** Feeds a body in pieces of these sizes, over and over. */
function read(body: string | Buffer, sizes: readonly number[], limits = LIMITS) {
  const list = new InstanceList(limits);
  const bytes = Buffer.from(body);
  for (let at = 0, i = 0; at < bytes.length; i += 1) {
    const size = sizes[i % sizes.length] ?? 1;
    if (list.push(bytes.subarray(at, at + size)) !== undefined) break;
    at += size;
  }
  return list.instances();
}

/** What an independent reader, which has the whole body, finds in it. */
function whole(body: string): unknown {
  try {
    const parsed = JSON.parse(body) as unknown;
    if (!Array.isArray(parsed)) return undefined;
    const instances = parsed.map((one: unknown) => instanceAnswer.safeParse(one).data);
    return instances.includes(undefined) ? undefined : instances;
  } catch {
    return undefined;
  }
}

const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.constantFrom('"', "\\", '\\"', "}", "]},{", "[{", "\u00e9\u{1f600}"),
);
const instances = fc
  .array(
    fc.record({
      id: fc.string({ minLength: 1, maxLength: 8 }),
      hostname: text,
      script: text,
      tags: fc.array(text),
    }),
    { maxLength: 6 },
  )
  .map((list) => list.map((one) => anInstance(one)));

test("a list in pieces of any size is what the whole body says", () => {
  fc.assert(
    fc.property(instances, fc.constantFrom(0, 2), sizes, (list, indent, pieces) => {
      const body = JSON.stringify(list, undefined, indent);
      expect(read(body, pieces)).toEqual(whole(body));
      expect(read(body, pieces)).toHaveLength(list.length);
    }),
    { numRuns: 500 },
  );
});

test("a body that is damaged anywhere is read as a whole reader would, or not at all", () => {
  let readable = 0;
  fc.assert(
    fc.property(
      instances,
      fc.nat(),
      fc.constantFrom("", ",", "{", "}", "[", "]", '"', "\\", " ", "null", "1"),
      fc.nat({ max: 3 }),
      sizes,
      (list, place, put, cut, pieces) => {
        const body = JSON.stringify(list);
        const at = place % (body.length + 1);
        // By way of bytes: half a character that the cut left is none on the wire.
        const damaged = Buffer.from(body.slice(0, at) + put + body.slice(at + cut)).toString();
        const found = read(damaged, pieces);
        if (found !== undefined) readable += 1;
        expect(found).toEqual(whole(damaged));
      },
    ),
    { numRuns: 1000 },
  );
  expect(readable).toBeGreaterThan(100);
});

test.each([
  ["an object", "{}"],
  ["nothing", ""],
  ["a list that does not end", '[{"id":"a"}'],
  ["a list without a comma", '[{"id":"a"}{"id":"b"}]'],
  ["a comma too many", '[{"id":"a"},]'],
  ["something after its end", '[{"id":"a"}] x'],
  ["an element that is no object", '[{"id":"a"},null]'],
  ["an element that is a list", '[[{"id":"a"}]]'],
  ["brackets that do not match", '[{"id":"a"]]'],
  ["an instance without an id", '[{"id":"a"},{"hostname":"node-1"}]'],
  ["brackets without an end", "[".repeat(100_000)],
])("%s is no list of instances", (_name, body) => {
  expect(read(body, [64])).toBeUndefined();
});

test("what is kept is bounded: by the number of instances and by the size of one", () => {
  const list = Array.from({ length: 51 }, (_, i) => ({ id: `i-${i}` }));
  expect(read(JSON.stringify(list.slice(1)), [64])).toHaveLength(50);
  expect(read(JSON.stringify(list), [64])).toBeUndefined();
  const large = [anInstance({ script: "x".repeat(99_000) })];
  expect(read(JSON.stringify(large), [1000])).toHaveLength(1);
  expect(read(JSON.stringify([anInstance({ script: "x".repeat(100_000) })]), [1000])).toBeUndefined();
  expect(read(" ".repeat(200_000) + JSON.stringify(large), [1000])).toHaveLength(1);
});
