import { describe, expect, test } from "vitest";
import { decodeLedger, encodeLedger, LEDGER_MAX_BYTES } from "@node-agent/shared/contract/ledger-codec.ts";
import type { LedgerPause } from "@node-agent/shared/core/ledger/ledger.ts";
import { aGrant, aLedger, anEntry, NOON } from "./ledger-build.ts";

const PAUSE: LedgerPause = { since: NOON, by: "ann", reason: "upgrade" };
const FULL = anEntry({
  pool: "blue",
  zone: "z1",
  checker: "GPU",
  bootIdBefore: "boot-1",
  earlier: [NOON - 1],
  grant: "g",
});
const META = {
  paused: PAUSE,
  pausedPools: { blue: PAUSE, constructor: PAUSE },
  pausedNodes: { "node-a": PAUSE },
  grants: [aGrant({ zone: "z1", pool: "blue", checker: "GPU", count: 9, endedBy: "bob" })],
  grant: { since: NOON, by: "ann", width: 2 },
};

test("a ledger with everything in it is read back as it was written", () => {
  const ledger = aLedger([FULL, anEntry({ instanceId: "vm-b" })], META);
  expect(decodeLedger(encodeLedger(ledger))).toEqual({ ok: true, ledger });
});

describe("one value that is not what it should be makes the whole unreadable", () => {
  const META_KEYS = [
    "schema",
    "cluster",
    "seq",
    "heartbeatAt",
    "heartbeatBy",
    "quarantineUntil",
    "paused",
    "pausedPools",
    "pausedNodes",
    "grants",
    "grant",
  ];
  const ENTRY_KEYS = Object.keys(FULL);
  const data = encodeLedger(aLedger([FULL], META));
  const damaged = (key: string, field: string, value: unknown) => {
    const json = JSON.parse(data[key] ?? "{}") as Record<string, unknown>;
    return { ...data, [key]: JSON.stringify({ ...json, [field]: value }) };
  };

  test.each([
    ...META_KEYS.map((field) => ["meta", field] as const),
    ...ENTRY_KEYS.map((field) => ["vm-a", field] as const),
  ])("%s: %s", (key, field) => {
    for (const value of [{ not: "it" }, [[]], null]) {
      const read = decodeLedger(damaged(key, field, value));
      expect(read).toMatchObject({ ok: false, why: expect.stringContaining(`${key}: ${field}`) });
    }
  });

  test.each([
    "schema",
    "cluster",
    "seq",
    "heartbeatAt",
    "heartbeatBy",
    "quarantineUntil",
    "pausedPools",
    "pausedNodes",
  ])("meta without %s", (field) => {
    expect(decodeLedger(damaged("meta", field, undefined))).toMatchObject({ ok: false });
  });

  test.each<[string, Record<string, unknown>]>([
    ["no meta", { "vm-a": data["vm-a"] }],
    ["meta that is no JSON", { ...data, meta: "{" }],
    ["meta that is no text", { ...data, meta: 7 }],
    ["an entry that is no JSON", { ...data, "vm-a": "" }],
    ["an entry under another instance's key", { ...data, "vm-z": data["vm-a"] }],
    ["a key that nobody knows", { ...data, note: "do not touch" }],
    ["a sequence number beyond counting", damaged("meta", "seq", 2 ** 53)],
    ["a negative sequence number", damaged("meta", "seq", -1)],
    ["an instant that no calendar has", damaged("vm-a", "notBefore", 9e15)],
    ["an instant before time", damaged("vm-a", "at", -1)],
    ["an outcome that is no word", damaged("vm-a", "outcome", "per haps")],
    ["a newer schema", damaged("meta", "schema", 2)],
    ["a grant of nothing", damaged("meta", "grant", { since: 1, by: "x", width: 0 })],
    ["nothing", {}],
  ])("%s", (_, bytes) => {
    expect(decodeLedger(bytes).ok).toBe(false);
  });
});

const many = (count: number) =>
  Array.from({ length: count }, (_, i) => anEntry({ instanceId: `vm-${i}`, pool: "ü".repeat(500) }));

describe("what is not written", () => {
  test.each(["meta", "", "civo://x", "a/b", "x".repeat(254), "a b"])(
    "an instance id that is no key: %j",
    (instanceId) => {
      expect(() => encodeLedger(aLedger([anEntry({ instanceId })]))).toThrow(RangeError);
    },
  );

  test("what could not be read back, such as a reason of any length", () => {
    const paused = { ...PAUSE, reason: "x".repeat(513) };
    expect(() => encodeLedger(aLedger([], { paused }))).toThrow(
      "could not be read back: meta: paused.reason",
    );
  });

  test("more than fits, counted in bytes and with its meta", () => {
    const each = Buffer.byteLength(JSON.stringify(many(1)[0])) + 6;
    const fits = Math.floor((LEDGER_MAX_BYTES - 10_000) / each);
    expect(() => encodeLedger(aLedger(many(fits)))).not.toThrow();
    expect(() => encodeLedger(aLedger(many(fits + 20)))).toThrow("bytes");
    const pausedPools = Object.fromEntries(
      Array.from({ length: 2000 }, (_, i) => [`pool-${i}`, { ...PAUSE, reason: "r".repeat(500) }]),
    );
    expect(() => encodeLedger(aLedger([], { pausedPools }))).toThrow("bytes");
  });
});

test("a pause whose name would be lost is not written", () => {
  const pausedNodes = JSON.parse(`{"__proto__": ${JSON.stringify(PAUSE)}}`) as Record<string, LedgerPause>;
  expect(() => encodeLedger(aLedger([], { pausedNodes }))).toThrow("could not be read back");
});
