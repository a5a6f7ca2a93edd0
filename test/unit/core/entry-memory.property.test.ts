import fc from "fast-check";
import { expect, test } from "vitest";
import { EntryMemory } from "@node-agent/shared/contract/entry-memory.ts";
import { decodeLedger, encodeLedger } from "@node-agent/shared/contract/ledger-codec.ts";
import type { LedgerEntry } from "@node-agent/shared/core/ledger/ledger.ts";
import { aLedger, anEntry, NOON } from "./ledger-build.ts";

const arbEntry = fc
  .record({
    instanceId: fc.constantFrom("vm-a", "vm-b", "vm-c"),
    notBefore: fc.constantFrom(NOON, NOON + 1, NOON + 2),
    outcome: fc.constantFrom("Intent", "Cured"),
  })
  .map((over) => anEntry(over));
const arbData = fc
  .uniqueArray(arbEntry, { selector: ({ instanceId }) => instanceId })
  .map((entries) => encodeLedger(aLedger(entries)));
/** What may be done to the text of an entry between two readings. */
const arbTwist = fc.constantFrom<(text: string) => string>(
  (text) => text,
  (text) => text.replace("vm-", "vm-z"),
  (text) => text.replace('"outcome":"', '"outcome":"un'),
  (text) => text.replace('"seq":1', '"seq":2'),
  (text) => text.replace("{", '{ "unheard": "of", '),
  (text) => text.slice(1),
);

const twisted = (data: Record<string, string>, key: string, twist: (text: string) => string) => {
  const text = data[key];
  return text === undefined ? data : { ...data, [key]: twist(text) };
};

test("whatever was read before, a ledger is read and written as without a memory", () => {
  const arbStep = fc.tuple(arbData, fc.constantFrom("vm-a", "vm-b", "meta"), arbTwist);
  fc.assert(
    fc.property(fc.array(arbStep, { maxLength: 8 }), (steps) => {
      const memory = new EntryMemory();
      for (const [data, key, twist] of steps) {
        const stored = twisted(data, key, twist);
        const read = decodeLedger(stored, memory);
        expect(read).toEqual(decodeLedger(stored));
        // Fields of a newer version keep their place when the text is known, and come last when it is not.
        const written = (known?: EntryMemory) =>
          Object.entries(read.ok ? encodeLedger(read.ledger, known) : {}).map(([name, text]): unknown => [
            name,
            JSON.parse(text),
          ]);
        expect(written(memory)).toEqual(written());
      }
    }),
  );
});

test("what has not changed is not parsed again, and nobody can change it", () => {
  const memory = new EntryMemory();
  const data = encodeLedger(aLedger([anEntry({ earlier: [NOON] }), anEntry({ instanceId: "vm-b" })]));
  const entriesOf = (stored: Record<string, string>): ReadonlyMap<string, LedgerEntry> => {
    const read = decodeLedger(stored, memory);
    return read.ok ? read.ledger.entries : new Map();
  };
  const first = entriesOf(data);
  const changed = { ...data, "vm-b": data["vm-b"]?.replace('"seq":1', '"seq":2') ?? "" };
  const second = entriesOf(changed);
  expect(first.get("vm-a")).toBeDefined();
  expect(second.get("vm-a")).toBe(first.get("vm-a"));
  expect(second.get("vm-b")).toEqual({ ...first.get("vm-b"), seq: 2 });
  const known = second.get("vm-a");
  expect(Object.isFrozen(known)).toBe(true);
  expect(Object.isFrozen(known?.earlier)).toBe(true);
  // Forgotten with the reading that it was in.
  entriesOf(encodeLedger(aLedger([])));
  expect(entriesOf(changed).get("vm-a")).not.toBe(second.get("vm-a"));
});
