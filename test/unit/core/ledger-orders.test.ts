import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeLedger, encodeLedger } from "@node-agent/shared/contract/ledger-codec.ts";
import type { Ledger, LedgerPause } from "@node-agent/shared/core/ledger/ledger.ts";
import {
  emptyLedger,
  pruned,
  withoutPause,
  withTrust,
  withPause,
} from "@node-agent/shared/core/ledger/steps.ts";
import { pauseOf, type PauseScope } from "@node-agent/shared/core/pause.ts";
import { LEDGER_TIMINGS } from "@node-agent/shared/core/ledger/timings.ts";
import { at } from "./ledger-build.ts";
import { NOON } from "./timeline.ts";

const PAUSE: LedgerPause = { since: NOON, by: "ann@desk", reason: "maintenance" };
const FRESH = emptyLedger("cluster-1", "init", NOON);
const FLEET: PauseScope = { level: "fleet" };
const POOL: PauseScope = { level: "pool", name: "gpu" };
const NODE: PauseScope = { level: "node", name: "n1" };

const scopes = fc.oneof(
  fc.constant(FLEET),
  fc.record({
    level: fc.constantFrom("pool" as const, "node" as const),
    name: fc.constantFrom("a", "b", "constructor", "toString"),
  }),
);

describe("a pause in the ledger", () => {
  test.each([[FLEET], [POOL], [NODE]])("of %j stands until it is ended, and no other does", (scope) => {
    const paused = withPause(FRESH, scope, PAUSE);
    expect(pauseOf(paused, scope)).toEqual(PAUSE);
    for (const other of [FLEET, POOL, NODE].filter((one) => one !== scope)) {
      expect(pauseOf(paused, other)).toBeUndefined();
    }
    expect(withoutPause(paused, scope)).toEqual(FRESH);
  });

  test("that stands keeps who ordered it and why, and nothing is to be written", () => {
    const paused = withPause(FRESH, POOL, PAUSE);
    expect(withPause(paused, POOL, { ...PAUSE, by: "bob@desk" })).toBe(paused);
  });

  test("that has ended by itself makes room for another, and is dropped when the ledger is tidied", () => {
    for (const scope of [FLEET, POOL, NODE]) {
      const ended = withPause(FRESH, scope, { ...PAUSE, until: NOON + 10 });
      expect(withPause(ended, scope, { ...PAUSE, since: NOON + 9 })).toBe(ended);
      const next = { ...PAUSE, since: NOON + 10, by: "bob@desk" };
      expect(pauseOf(withPause(ended, scope, next), scope)).toEqual(next);
      expect(pruned(ended, at(NOON + 9), LEDGER_TIMINGS)).toBe(ended);
      expect(pruned(ended, at(NOON + 10), LEDGER_TIMINGS)).toEqual(FRESH);
      expect(decodeLedger(encodeLedger(ended))).toEqual({ ok: true, ledger: ended });
    }
  });

  test("that does not stand cannot be ended, and nothing is to be written", () => {
    const paused = withPause(FRESH, POOL, PAUSE);
    expect(withoutPause(paused, FLEET)).toBe(paused);
    expect(withoutPause(paused, { level: "pool", name: "constructor" })).toBe(paused);
    expect(withoutPause(paused, { level: "node", name: "gpu" })).toBe(paused);
  });

  test("is an order and no sign of life: sequence and heartbeat stay, so a restored backup still shows", () => {
    for (const ordered of [
      withPause(FRESH, NODE, PAUSE),
      withoutPause(withPause(FRESH, NODE, PAUSE), NODE),
    ]) {
      const { seq, heartbeatAt, heartbeatBy } = ordered.meta;
      expect({ seq, heartbeatAt, heartbeatBy }).toEqual({ seq: 0, heartbeatAt: NOON, heartbeatBy: "init" });
    }
  });

  test("any history of orders leaves exactly the scopes paused that were not resumed, through the stored bytes too", () => {
    const orders = fc.array(fc.record({ pause: fc.boolean(), scope: scopes }), { maxLength: 30 });
    fc.assert(
      fc.property(orders, (history) => {
        const standing = new Map<string, PauseScope>();
        let ledger: Ledger = FRESH;
        for (const { pause, scope } of history) {
          ledger = pause ? withPause(ledger, scope, PAUSE) : withoutPause(ledger, scope);
          if (pause) standing.set(JSON.stringify(scope), scope);
          else standing.delete(JSON.stringify(scope));
          expect(pauseOf(ledger, scope) !== undefined).toBe(pause);
        }
        for (const scope of standing.values()) expect(pauseOf(ledger, scope)).toEqual(PAUSE);
        const { paused, pausedPools, pausedNodes } = ledger.meta;
        const count = Object.keys(pausedPools).length + Object.keys(pausedNodes).length;
        expect(count + (paused === undefined ? 0 : 1)).toBe(standing.size);
        expect(decodeLedger(encodeLedger(ledger))).toEqual({ ok: true, ledger });
      }),
    );
  });
});

describe("trust by a person", () => {
  const order = { since: NOON, by: "ann@desk", reason: "etcd was not restored" };

  test("ends a quarantine that runs, says who ended it, and is no sign of life", () => {
    const held = { ...FRESH, meta: { ...FRESH.meta, quarantineUntil: NOON + 1 } };
    const trusted = withTrust(held, order);
    expect(trusted.meta).toEqual({ ...FRESH.meta, quarantineUntil: 0, trusted: order });
    expect(decodeLedger(encodeLedger(trusted))).toEqual({ ok: true, ledger: trusted });
  });

  test("where no quarantine runs changes nothing: it does not end one that begins later", () => {
    expect(withTrust(FRESH, order)).toBe(FRESH);
    const over = { ...FRESH, meta: { ...FRESH.meta, quarantineUntil: NOON } };
    expect(withTrust(over, order)).toBe(over);
  });
});
