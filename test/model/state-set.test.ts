import fc from "fast-check";
import { expect, test } from "vitest";
import { layRows } from "./layout.ts";
import { StateSet } from "./state-set.ts";

test("a set of states keeps each state once, in the order of finding, however often it grows", () => {
  const words = fc.tuple(fc.nat(40), fc.nat(3));
  fc.assert(
    fc.property(fc.array(words, { maxLength: 300 }), (states) => {
      const set = new StateSet(2, 2);
      const oracle = new Map<string, number>();
      for (const state of states) {
        const key = state.join();
        if (!oracle.has(key)) oracle.set(key, oracle.size);
        expect(set.add(Uint32Array.from(state))).toBe(oracle.get(key));
      }
      expect(set.size).toBe(oracle.size);
      const read = new Uint32Array(2);
      for (const [key, index] of oracle) {
        set.read(index, read);
        expect(read.join()).toBe(key);
        expect(set.indexOf(read)).toBe(index);
      }
    }),
  );
});

test("fields of a row do not touch each other, nor other rows", () => {
  const maxima = fc.array(fc.integer({ min: 0, max: 2 ** 31 }), { minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(
      maxima,
      fc.integer({ min: 1, max: 4 }),
      fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true })),
      (limits, count, chance) => {
        const rows = layRows(1, count, Object.fromEntries(limits.map((max, at) => [`f${at}`, max])));
        const state = new Uint32Array(rows.end);
        const written: [string, number, number][] = [];
        for (const [name, field] of Object.entries(rows.fields)) {
          for (let row = 0; row < count; row += 1) {
            const value = Math.floor((chance.next().value as number) * field.max);
            field.set(state, row, value);
            written.push([name, row, value]);
          }
        }
        for (const [name, row, value] of written) expect(rows.fields[name]?.get(state, row)).toBe(value);
        expect(state[0]).toBe(0);
      },
    ),
  );
});

test("a value that has no place is refused", () => {
  const { fields } = layRows(0, 1, { age: 5 });
  expect(() => fields.age.set(new Uint32Array(1), 0, 6)).toThrow(RangeError);
});
