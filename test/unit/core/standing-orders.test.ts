import { describe, expect, test } from "vitest";
import {
  GRANT_SCOPES,
  scopeKindOf,
  standingOrders,
  type GrantScopeKind,
} from "@node-agent/shared/core/ledger/standing-orders.ts";
import type { GrantScope } from "@node-agent/shared/core/ledger/grant.ts";
import { HOUR } from "@node-agent/shared/core/time.ts";
import { aGrant, aLedger, NOON } from "./ledger-build.ts";

const order = { since: NOON, by: "ann", reason: "x" };

describe("the orders in force", () => {
  test("are the pauses that stand, the widest first, and the grants that hold", () => {
    const { meta } = aLedger([], {
      paused: order,
      pausedPools: { gpu: { ...order, until: NOON + HOUR }, old: { ...order, until: NOON } },
      pausedNodes: { constructor: order },
      grants: [
        aGrant({ id: "holds" }),
        aGrant({ id: "over", until: NOON }),
        aGrant({ id: "used", count: 1, used: 1 }),
        aGrant({ id: "later", since: NOON + 1 }),
      ],
    });
    const { pauses, grants } = standingOrders(meta, NOON);
    expect(pauses).toEqual([
      { scope: { level: "fleet" }, pause: order },
      { scope: { level: "pool", name: "gpu" }, pause: { ...order, until: NOON + HOUR } },
      { scope: { level: "node", name: "constructor" }, pause: order },
    ]);
    expect(grants.map(({ id }) => id)).toEqual(["holds"]);
  });

  test("of a calm ledger are none", () => {
    expect(standingOrders(aLedger([]).meta, NOON)).toEqual({ pauses: [], grants: [] });
  });
});

test.each<[GrantScope, GrantScopeKind]>([
  [{}, "fleet"],
  [{ zone: "z1" }, "zone"],
  [{ pool: "fleet" }, "pool"],
  [{ checker: "GPU" }, "checker"],
  [{ zone: "z1", checker: "GPU" }, "several"],
  [{ zone: "z1", pool: "p", checker: "GPU" }, "several"],
])("a grant of %j is one of a closed set of kinds: %s", (scope, kind) => {
  expect(scopeKindOf(scope)).toBe(kind);
  expect(GRANT_SCOPES).toContain(kind);
});
