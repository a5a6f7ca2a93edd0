import { describe, expect, test } from "vitest";
import {
  decodeLedger,
  encodeLedger,
  LEDGER_MAX_BYTES,
  LEDGER_ORDER_MAX_BYTES,
  PACK_FROM_BYTES,
} from "@node-agent/shared/contract/ledger-codec.ts";
import { EntryMemory } from "@node-agent/shared/contract/entry-memory.ts";
import { newGrant, withGrant } from "@node-agent/shared/core/ledger/grant.ts";
import type { LedgerEntry } from "@node-agent/shared/core/ledger/ledger.ts";
import { withHeartbeat, withIntent, withOutcome, withPause } from "@node-agent/shared/core/ledger/steps.ts";
import { LEDGER_TIMINGS } from "@node-agent/shared/core/ledger/timings.ts";
import { isOpen } from "@node-agent/shared/core/ledger/history.ts";
import { HOUR, MINUTE, SECOND } from "@node-agent/shared/core/time.ts";
import { aLedger, anEntry, anIntent, at, NOON, WINDOW, writer } from "./ledger-build.ts";

/** Names as long as a cloud makes them. */
const uuid = (n: number) => `4774804b-8242-4cc7-92e5-${String(n).padStart(12, "0")}`;
const entry = (n: number, over: Partial<LedgerEntry> = {}) =>
  anEntry({
    instanceId: uuid(n),
    seq: 100_000 + n,
    node: `k3s-production-lon1-1a2b-node-pool-${String(n).padStart(5, "0")}`,
    pool: uuid(n % 4),
    zone: "lon1-a",
    checker: "NodeReady",
    bootIdBefore: uuid(n),
    at: NOON + n * SECOND,
    earlier: [NOON - HOUR],
    notBefore: NOON + n * SECOND + 41 * MINUTE,
    token: uuid(n),
    by: "node-agent-worker-7d9f8b6c5-x2x4z/7",
    outcome: "Cured",
    gpu: true,
    ...over,
  });
/** 15,000 nodes have lost a zone of 5,000: all were repaired within a day, 300 (2 %) of them are open now. */
const zone = () =>
  aLedger(Array.from({ length: 5000 }, (_, n) => entry(n, n < 300 ? { outcome: "Accepted" } : {})));
const bytes = (data: Record<string, string>) =>
  Object.entries(data).reduce((sum, [key, text]) => sum + key.length + Buffer.byteLength(text), 0);
const read = (data: Record<string, unknown>) => {
  const decoded = decodeLedger(data);
  if (!decoded.ok) throw new Error(decoded.why);
  return decoded.ledger;
};

describe("a zone of 5,000 nodes that was repaired within a day", () => {
  const data = encodeLedger(zone());

  test("fits in what workers may write, far from the 1 MiB of a ConfigMap", () => {
    expect(bytes(data)).toBeGreaterThan(PACK_FROM_BYTES);
    expect(bytes(data)).toBeLessThan(LEDGER_MAX_BYTES);
    expect(LEDGER_ORDER_MAX_BYTES).toBeLessThan(1024 * 1024);
    // Each key stands in the object a second time, in its managed fields.
    expect(Object.keys(data).length).toBe(302);
  });

  test("loses nothing that windows, limits and the cure rate are counted from", () => {
    const before = zone();
    const after = read(data);
    expect(after.entries.size).toBe(5000);
    for (const [id, { token, by: _by, bootIdBefore: _boot, ...kept }] of before.entries) {
      const found = after.entries.get(id);
      expect(found).toMatchObject(kept);
      expect(token.startsWith(found?.token ?? "none")).toBe(true);
    }
    expect([...after.entries.values()].filter(isAccepted)).toEqual(
      [...before.entries.values()].filter(isAccepted),
    );
    expect(after.meta).toEqual(before.meta);
  });

  test("is written to again: intents, outcomes and signs of life", () => {
    const intent = withIntent(read(data), anIntent({ instanceId: uuid(9) }), WINDOW, writer(NOON + HOUR));
    const settled = withOutcome(intent, uuid(0), uuid(0), "StillBad", writer(NOON + HOUR), LEDGER_TIMINGS);
    const beaten = withHeartbeat(settled, writer(NOON + HOUR));
    const again = read(encodeLedger(beaten));
    expect(again.entries.get(uuid(9))).toMatchObject({ outcome: "Intent" });
    expect(again.entries.get(uuid(0))).toMatchObject({ outcome: "StillBad" });
    expect(again.entries.size).toBe(5000);
  });

  test("a window is never shorter for it", () => {
    const odd = aLedger(Array.from({ length: 3000 }, (_, n) => entry(n, { notBefore: NOON + HOUR + n })));
    const back = read(encodeLedger(odd));
    for (const [id, { notBefore }] of odd.entries) {
      expect(back.entries.get(id)!.notBefore).toBeGreaterThanOrEqual(notBefore);
      expect(back.entries.get(id)!.notBefore).toBeLessThan(notBefore + SECOND);
    }
  });

  test.each(["{", "[]", '{"names":[],"rows":[[1]]}', '{"rows":[]}', 7])(
    "damaged rows are damage: %j",
    (text) => {
      expect(decodeLedger({ ...data, settled: text })).toMatchObject({ ok: false });
    },
  );

  test("an instance that stands in both is damage", () => {
    const twice = { ...data, [uuid(4000)]: JSON.stringify(entry(4000)) };
    expect(decodeLedger(twice)).toMatchObject({ ok: false, why: expect.stringContaining("two entries") });
  });
});

test("a small ledger is written as versions before this write it", () => {
  const few = aLedger(Array.from({ length: 300 }, (_, n) => entry(n)));
  expect(Object.keys(encodeLedger(few))).not.toContain("settled");
});

const isAccepted = ({ outcome }: LedgerEntry): boolean => outcome === "Accepted";
const open = (n: number) => entry(n, { outcome: "Accepted" });

test("orders fit where the writes of workers no longer do", () => {
  const each = JSON.stringify(open(0)).length + uuid(0).length;
  const most = Math.floor((LEDGER_MAX_BYTES - 700) / each);
  const ledgerOf = (count: number) => aLedger(Array.from({ length: count }, (_, n) => open(n)));
  const full = ledgerOf(most);
  expect(() => encodeLedger(full)).not.toThrow();
  expect(() => encodeLedger(ledgerOf(most + 10))).toThrow("bytes");
  const reason = "r".repeat(200);
  const order = { id: "g", by: "ann", reason, lasts: HOUR };
  const pools = Array.from({ length: 20 }, (_, n) => ({ level: "pool" as const, name: uuid(n) }));
  const paused = pools.reduce(
    (ledger, scope) => withPause(ledger, scope, { since: NOON, by: "ann", reason }),
    full,
  );
  const ordered = withGrant(paused, newGrant(order, NOON));
  expect(() => encodeLedger(ordered)).toThrow("bytes");
  expect(() => encodeLedger(ordered, new EntryMemory(), LEDGER_ORDER_MAX_BYTES)).not.toThrow();
});

describe("what a later version wrote", () => {
  const data = encodeLedger(aLedger([anEntry(), anEntry({ instanceId: "vm-b" })]));
  const changed = (key: string, fields: object) => ({
    ...data,
    [key]: JSON.stringify({ ...(JSON.parse(data[key]!) as object), ...fields }),
  });

  test("unknown fields of meta, entries and orders survive a rewrite", () => {
    const pause = { since: NOON, by: "ann", reason: "x", color: "red" };
    const later = { ...changed("meta", { flavour: 7, paused: pause }) };
    later["vm-a"] = changed("vm-a", { step: "Drain" })["vm-a"]!;
    const rewritten = encodeLedger(withHeartbeat(read(later), writer(NOON)));
    expect(JSON.parse(rewritten["meta"]!)).toMatchObject({ flavour: 7, paused: pause });
    expect(JSON.parse(rewritten["vm-a"]!)).toMatchObject({ step: "Drain" });
    const settled = withOutcome(read(later), "vm-a", "token-a", "Cured", writer(NOON), LEDGER_TIMINGS);
    expect(JSON.parse(encodeLedger(settled)["vm-a"]!)).toMatchObject({ step: "Drain", outcome: "Cured" });
  });

  test("an outcome that is not known is no damage: its entry stays as it is, is open and is not written to", () => {
    const ledger = read(changed("vm-a", { outcome: "Drained" }));
    const [newer] = ledger.entries.values();
    expect(newer).toMatchObject({ outcome: "Newer", newer: "Drained" });
    expect(isOpen(newer!, at(NOON + HOUR))).toBe(true);
    expect(withOutcome(ledger, "vm-a", "token-a", "Cured", writer(NOON), LEDGER_TIMINGS)).toBe(ledger);
    const again = encodeLedger(withHeartbeat(ledger, writer(NOON)));
    expect(JSON.parse(again["vm-a"]!)).toMatchObject({ outcome: "Drained" });
    expect(again["vm-a"]).not.toContain("Newer");
  });

  test("a ledger that asks for a later reader is left alone, with a sentence that says what to do", () => {
    expect(decodeLedger(changed("meta", { minReader: 1 }))).toMatchObject({ ok: true });
    expect(decodeLedger(changed("meta", { minReader: 2 }))).toMatchObject({
      ok: false,
      why: "meta: minReader: it was written for a newer version of node-agent; update this one",
    });
  });
});
