import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeLedger, encodeLedger } from "@node-agent/shared/contract/ledger-codec.ts";
import {
  GRANT_FIRST_WIDTH,
  GRANT_MAX_WIDTH,
  GRANTS_MAX,
  grantAfter,
  grantFor,
  grantHolds,
  grantsOf,
  newGrant,
  withGrant,
  withoutGrants,
  type GrantSubject,
} from "@node-agent/shared/core/ledger/grant.ts";
import type { Ledger, LedgerGrant, LedgerOutcome } from "@node-agent/shared/core/ledger/ledger.ts";
import {
  pruned,
  withHeartbeat,
  withIntent,
  withOutcome,
  withRecovery,
} from "@node-agent/shared/core/ledger/steps.ts";
import { LEDGER_TIMINGS } from "@node-agent/shared/core/ledger/timings.ts";
import { DAY, HOUR, MINUTE } from "@node-agent/shared/core/time.ts";
import { aGrant, aLedger, anIntent, at, NOON, WINDOW, writer } from "./ledger-build.ts";

const NODE: GrantSubject = { pool: "gpu", zone: "z1", checkers: ["NodeReady"] };
const idFor = (meta: Parameters<typeof grantFor>[0], subject = NODE, now = NOON) =>
  grantFor(meta, subject, now)?.id;
const held = (...grants: LedgerGrant[]) => aLedger([], { grants }).meta;

describe("whom a grant covers", () => {
  test.each<[string, Partial<LedgerGrant>, boolean]>([
    ["the fleet", {}, true],
    ["its zone", { zone: "z1" }, true],
    ["another zone", { zone: "z2" }, false],
    ["its pool", { pool: "gpu" }, true],
    ["another pool", { pool: "cpu" }, false],
    ["a checker that fails", { checker: "NodeReady" }, true],
    ["another checker", { checker: "GPU" }, false],
    ["its zone, but another pool", { zone: "z1", pool: "cpu" }, false],
  ])("%s: %j", (_, scope, covers) => {
    expect(idFor(held(aGrant(scope))) !== undefined).toBe(covers);
  });

  test("a node whose zone and pool are not known lies in no scoped grant", () => {
    const nowhere = { checkers: ["NodeReady"] };
    expect(idFor(held(aGrant({ zone: "z1" }), aGrant({ pool: "gpu" })), nowhere)).toBeUndefined();
    expect(idFor(held(aGrant({})), nowhere)).toBeDefined();
  });

  test.each<[string, Partial<LedgerGrant>, boolean]>([
    ["one that begins now", {}, true],
    ["one that seems to begin in the future", { since: NOON + 1 }, false],
    ["one that ends in a moment", { until: NOON + 1 }, true],
    ["one that ends now", { until: NOON }, false],
    ["one that has one repair left", { count: 3, used: 2 }, true],
    ["one that is used up", { count: 3, used: 3 }, false],
  ])("%s: %j", (_, over, holds) => {
    expect(grantHolds(aGrant(over), NOON)).toBe(holds);
    expect(idFor(held(aGrant(over))) !== undefined).toBe(holds);
  });

  test("of several the narrowest, and of these the latest", () => {
    const fleet = aGrant({ id: "fleet", since: NOON - 1 });
    const zone = aGrant({ id: "zone", zone: "z1", since: NOON - 3 });
    const pool = aGrant({ id: "pool", pool: "gpu", since: NOON - 2 });
    expect(idFor(held(fleet, zone, pool))).toBe("pool");
    expect(idFor(held(fleet, zone))).toBe("zone");
    expect(idFor(held(fleet, { ...zone, count: 1, used: 1 }))).toBe("fleet");
  });
});

describe("the grant of an older version", () => {
  const old = { since: NOON, by: "ann", width: 4 };

  test("is one of the fleet for an hour, whatever was cured under it", () => {
    const { meta } = aLedger([], { grant: { ...old, renewedAt: NOON + 50 * MINUTE } as typeof old });
    expect(grantFor(meta, NODE, NOON)).toMatchObject({ by: "ann", width: 4, until: NOON + HOUR });
    expect(idFor(meta, NODE, NOON + HOUR - 1)).toBeDefined();
    expect(idFor(meta, NODE, NOON + HOUR)).toBeUndefined();
  });

  test("survives a rewrite, and its use is counted in it", () => {
    const ledger = withHeartbeat(aLedger([], { grant: old }), writer(NOON + 1));
    const back = decodeLedger(encodeLedger(ledger));
    expect(back).toEqual({ ok: true, ledger });
    const used = withIntent(ledger, anIntent(), WINDOW, writer(NOON + 2));
    expect(used.meta.grant).toBeUndefined();
    expect(used.meta.grants).toMatchObject([{ id: idFor(ledger.meta), used: 1, width: 4 }]);
  });
});

describe("orders", () => {
  test("a grant that is ordered is kept whole through the stored bytes", () => {
    const order = { id: "g1", by: "ann", reason: "zone is back", lasts: 2 * HOUR, zone: "z1", count: 9 };
    const ledger = withGrant(aLedger(), newGrant(order, NOON));
    const { lasts: _, ...kept } = order;
    expect(ledger.meta.grants).toEqual([
      { ...kept, since: NOON, until: NOON + 2 * HOUR, used: 0, width: GRANT_FIRST_WIDTH, cured: 0 },
    ]);
    expect(decodeLedger(encodeLedger(ledger))).toEqual({ ok: true, ledger });
  });

  test("one ends the grant of exactly its scope that holds, and leaves the others", () => {
    const zone = aGrant({ id: "zone", zone: "z1" });
    const first = withGrant(withGrant(aLedger(), aGrant({ id: "first" })), zone);
    const second = withGrant(first, aGrant({ id: "second", since: NOON + 1, by: "bob", until: NOON + HOUR }));
    expect(second.meta.grants).toMatchObject([
      { id: "zone", until: NOON + HOUR },
      { id: "first", until: NOON + 1, endedBy: "bob" },
      { id: "second", until: NOON + HOUR },
    ]);
  });

  test("a revoked grant says who ended it and covers no one; nothing to revoke changes nothing", () => {
    const ledger = withGrant(aLedger(), aGrant({ zone: "z1" }));
    const revoked = withoutGrants(ledger, () => true, "bob", NOON + MINUTE);
    expect(revoked.meta.grants).toMatchObject([{ until: NOON + MINUTE, endedBy: "bob" }]);
    expect(idFor(revoked.meta, NODE, NOON + MINUTE)).toBeUndefined();
    expect(withoutGrants(revoked, () => true, "bob", NOON + 2 * MINUTE)).toBe(revoked);
    expect(withoutGrants(ledger, ({ zone }) => zone === "z2", "bob", NOON)).toBe(ledger);
  });

  test("there are never more than fit: ended ones make room, and where all hold none is added", () => {
    const zones = Array.from({ length: GRANTS_MAX }, (_, n) => aGrant({ id: `g${n}`, zone: `z${n}` }));
    const full = zones.reduce<Ledger>(withGrant, aLedger());
    expect(full.meta.grants).toHaveLength(GRANTS_MAX);
    const more = aGrant({ id: "more", pool: "gpu" });
    expect(withGrant(full, more)).toBe(full);
    const room = withoutGrants(full, ({ id }) => id === "g3", "ann", NOON);
    const added = withGrant(room, more);
    expect(added.meta.grants).toHaveLength(GRANTS_MAX);
    expect(grantsOf(added.meta).map(({ id }) => id)).toContain("more");
    expect(grantsOf(added.meta).map(({ id }) => id)).not.toContain("g3");
    expect(decodeLedger(encodeLedger(added)).ok).toBe(true);
  });

  test("an ended grant is kept for a day", () => {
    const ledger = aLedger([], { grants: [aGrant({ until: NOON })] });
    expect(pruned(ledger, at(NOON + DAY - 1), LEDGER_TIMINGS)).toBe(ledger);
    expect(pruned(ledger, at(NOON + DAY), LEDGER_TIMINGS).meta.grants).toEqual([]);
  });

  test("an order is no sign of life", () => {
    const before = aLedger();
    const { seq, heartbeatAt, heartbeatBy } = withGrant(before, aGrant({})).meta;
    expect({ seq, heartbeatAt, heartbeatBy }).toEqual({ seq: 0, heartbeatAt: NOON, heartbeatBy: "init" });
  });
});

describe("slow start", () => {
  const GRANT = aGrant({ width: 1 });
  const widths = (...outcomes: readonly LedgerOutcome[]) => {
    let grant = GRANT;
    return outcomes.map((outcome) => {
      grant = grantAfter(grant, {}, outcome);
      return grant.width;
    });
  };

  test("widens 1, 2, 4, 8 as each round of cures is complete", () => {
    const cures = Array.from({ length: 15 }, () => "Cured" as const);
    expect(widths(...cures)).toEqual([2, 2, 4, 4, 4, 4, 8, 8, 8, 8, 8, 8, 8, 8, 16]);
  });

  test.each(["StillBad", "NotExecuted"] as const)("begins again at one after %s", (bad) => {
    expect(widths("Cured", "Cured", "Cured", bad, "Cured", "Cured", "Cured")).toEqual([2, 2, 4, 1, 2, 2, 4]);
  });

  test.each(["Accepted", "Unknown", "NotSent", "Rejected", "Gone"] as const)("%s says nothing", (outcome) => {
    expect(grantAfter(GRANT, {}, outcome)).toBe(GRANT);
  });

  test("ends at the widest, and no result makes a grant longer", () => {
    const wide = { ...GRANT, width: GRANT_MAX_WIDTH, cured: GRANT_MAX_WIDTH - 1 };
    expect(grantAfter(wide, {}, "Cured")).toEqual({ ...wide, cured: 0 });
  });

  test("a repair counts for the grant that it began under, and for no other", () => {
    const zone = aGrant({ id: "zone", zone: "z1", width: 1 });
    const fleet = aGrant({ id: "fleet", width: 1 });
    const before = withIntent(aLedger(), anIntent({ instanceId: "vm-0", token: "t0" }), WINDOW, writer(NOON));
    let ledger: Ledger = { ...before, meta: { ...before.meta, grants: [fleet, zone] } };
    ledger = withIntent(ledger, anIntent({ zone: "z1" }), WINDOW, writer(NOON));
    expect(ledger.entries.get("vm-a")?.grant).toBe("zone");
    expect(ledger.meta.grants).toMatchObject([
      { id: "fleet", used: 0 },
      { id: "zone", used: 1 },
    ]);
    ledger = withRecovery(ledger, "vm-0", "t0", writer(NOON + MINUTE));
    expect(ledger.meta.grants).toMatchObject([{ width: 1 }, { width: 1 }]);
    ledger = withRecovery(ledger, "vm-a", "token-a", writer(NOON + MINUTE));
    expect(ledger.meta.grants).toMatchObject([{ width: 1 }, { width: 2 }]);
  });

  test("a grant of a checker is used by a repair that several checkers ask for", () => {
    const ledger = aLedger([], { grants: [aGrant({ checker: "GPU" })] });
    const intent = anIntent({ checker: "NodeReady", checkers: ["NodeReady", "GPU"] });
    const used = withIntent(ledger, intent, WINDOW, writer(NOON));
    expect(used.meta.grants).toMatchObject([{ used: 1 }]);
    expect(used.entries.get("vm-a")).not.toHaveProperty("checkers");
  });

  test("the count binds: after so many intents the grant covers no more", () => {
    let ledger = aLedger([], { grants: [aGrant({ count: 2 })] });
    for (const n of [0, 1]) {
      expect(idFor(ledger.meta)).toBeDefined();
      ledger = withIntent(ledger, anIntent({ instanceId: `vm-${n}` }), WINDOW, writer(NOON));
    }
    expect(idFor(ledger.meta)).toBeUndefined();
  });

  test("twenty nodes of a zone with boots of eight minutes are begun within half an hour", () => {
    let ledger = withGrant(aLedger(), newGrant({ id: "g", by: "ann", reason: "r", lasts: 2 * HOUR }, NOON));
    const well: { readonly id: string; readonly at: number }[] = [];
    let begun = 0;
    let now = NOON;
    for (; begun < 20 && now < NOON + 3 * HOUR; now += MINUTE) {
      for (const { id } of well.filter((one) => one.at === now))
        ledger = withRecovery(ledger, id, id, writer(now));
      const open = () => [...ledger.entries.values()].filter((one) => one.recoveredAt === undefined).length;
      while (begun < 20 && open() < (grantFor(ledger.meta, NODE, now)?.width ?? 0)) {
        const id = `vm-${begun}`;
        ledger = withIntent(ledger, anIntent({ instanceId: id, token: id }), WINDOW, writer(now));
        well.push({ id, at: now + 9 * MINUTE });
        begun += 1;
      }
    }
    expect(begun).toBe(20);
    expect(now - MINUTE).toBeLessThanOrEqual(NOON + 30 * MINUTE);
  });

  test("any history of results keeps width and round within bounds, and through the stored bytes", () => {
    const results = fc.constantFrom<LedgerOutcome>("Cured", "StillBad", "NotExecuted", "Gone", "Accepted");
    fc.assert(
      fc.property(fc.array(results, { maxLength: 60 }), (history) => {
        let ledger = withGrant(aLedger(), aGrant({}));
        history.forEach((outcome, n) => {
          const intent = anIntent({ instanceId: `vm-${n}`, token: `t${n}` });
          ledger = withIntent(ledger, intent, WINDOW, writer(NOON));
          ledger = withOutcome(ledger, `vm-${n}`, `t${n}`, outcome, writer(NOON), LEDGER_TIMINGS);
        });
        const [grant] = grantsOf(ledger.meta);
        expect(grant!.cured).toBeLessThan(grant!.width);
        expect(grant!.used).toBe(history.length);
        expect(decodeLedger(encodeLedger(ledger))).toEqual({ ok: true, ledger });
      }),
    );
  });
});
