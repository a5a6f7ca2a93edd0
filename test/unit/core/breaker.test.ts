import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CHECKER_NAMES, type CheckerName } from "@node-agent/shared/core/check.ts";
import { BREAKER_SCOPES, breakerOf, type BreakerSubject } from "@node-agent/shared/core/storm/breaker.ts";
import { fleetOf } from "@node-agent/shared/core/plan/census.ts";
import { fleetHealth, type FleetNode } from "@node-agent/shared/core/storm/fleet.ts";
import { DEFAULT_BREAKER, type BreakerPolicy } from "@node-agent/shared/core/storm/policy.ts";
import { DAY, HOUR } from "@node-agent/shared/core/time.ts";
import { aLedger, NOON } from "./ledger-build.ts";

const LONG_AGO = NOON - HOUR;
const SUBJECT: BreakerSubject = { checkers: ["NodeReady"] };

/** So many healthy nodes, without pool and zone unless told otherwise. */
const well = (count: number, over: Partial<FleetNode> = {}): FleetNode[] =>
  Array.from({ length: count }, (_, i) => ({ name: `well-${i}`, failing: {}, silent: false, ...over }));
/** So many nodes that have failed for an hour. */
const sick = (
  count: number,
  over: Partial<FleetNode> = {},
  checker: CheckerName = "NodeReady",
): FleetNode[] =>
  Array.from({ length: count }, (_, i) => ({
    name: `sick-${i}`,
    failing: { [checker]: LONG_AGO },
    silent: false,
    ...over,
  }));
const judge = (
  nodes: readonly FleetNode[],
  subject: BreakerSubject = SUBJECT,
  policy: Partial<BreakerPolicy> = {},
) => breakerOf(fleetHealth(nodes), { ...DEFAULT_BREAKER, ...policy }, NOON).ask(subject);

describe("the breaker of a zone", () => {
  const inZone = { zone: "z1" };
  const fleet = [...well(27, inZone), ...sick(3, inZone), ...well(70, { zone: "z2" })];

  test("holds the nodes of that zone from a tenth of them on, and no other", () => {
    expect(judge(fleet, { ...SUBJECT, ...inZone })).toEqual({
      scope: "Zone",
      why: "3 of 30 nodes of zone z1 fail since less than 24 h",
      grantable: true,
    });
    expect(judge([...well(1, inZone), ...fleet], { ...SUBJECT, ...inZone })).toBeUndefined();
    expect(judge(fleet, { ...SUBJECT, zone: "z2" })).toBeUndefined();
    expect(judge(fleet, { ...SUBJECT, zone: "unheard of" })).toBeUndefined();
  });

  test("explains its failures: a lost zone holds neither its pools elsewhere, nor its checker, nor the cluster", () => {
    const lost = [
      ...sick(30, { ...inZone, pool: "blue" }),
      ...well(69, { zone: "z2", pool: "blue" }),
      ...sick(1, { zone: "z2", pool: "blue" }),
    ];
    expect(judge(lost, { ...SUBJECT, ...inZone, pool: "blue" })).toMatchObject({ scope: "Zone" });
    expect(judge(lost, { ...SUBJECT, zone: "z2", pool: "blue" })).toBeUndefined();
  });

  test("nodes without a zone are no zone", () => {
    expect(judge([...sick(9), ...well(91, inZone)])).toBeUndefined();
  });
});

describe("the breaker of a pool", () => {
  test("holds the nodes of that pool from a fifth of them on, and no other", () => {
    const fleet = [...sick(3, { pool: "blue" }), ...well(12, { pool: "blue" }), ...well(185)];
    expect(judge(fleet, { ...SUBJECT, pool: "blue" })).toMatchObject({
      scope: "Pool",
      why: "3 of 15 nodes of pool blue fail since less than 24 h",
    });
    expect(judge(fleet, SUBJECT)).toBeUndefined();
    expect(judge([...well(1, { pool: "blue" }), ...fleet], { ...SUBJECT, pool: "blue" })).toBeUndefined();
  });

  test("stays closed below the floor: a pool of two is repaired one at a time", () => {
    const fleet = [...sick(2, { pool: "blue" }), ...well(98)];
    expect(judge(fleet, { ...SUBJECT, pool: "blue" })).toBeUndefined();
  });
});

describe("the breaker of a checker", () => {
  const gpu: BreakerSubject = { checkers: ["GPU"] };

  test("doubts it from a tenth of the nodes on", () => {
    expect(judge([...well(91), ...sick(9, {}, "GPU")], gpu)).toBeUndefined();
    expect(judge([...well(90), ...sick(10, {}, "GPU")], gpu)).toMatchObject({
      scope: "Checker",
      why: "GPU fails on 10 of 100 nodes since less than 24 h",
    });
  });

  test("holds no node that another checker finds sick", () => {
    const fleet = [...well(89), ...sick(10, {}, "GPU"), ...sick(1)];
    expect(judge(fleet, { checkers: ["NodeReady", "GPU"] })).toBeUndefined();
    expect(judge(fleet, SUBJECT)).toBeUndefined();
  });
});

describe("the breaker of the cluster", () => {
  test("holds every node from a fifth of them on", () => {
    const percent = { ...DEFAULT_BREAKER.percent, checker: 100 };
    expect(judge([...well(81), ...sick(19)], SUBJECT, { percent })).toBeUndefined();
    expect(judge([...well(80), ...sick(20)], SUBJECT, { percent })).toMatchObject({
      scope: "Cluster",
      why: "20 of 100 nodes fail since less than 24 h",
    });
  });

  test("stays closed below the floor: a small cluster is repaired, whatever the share", () => {
    expect(judge([...well(1), ...sick(2)])).toBeUndefined();
    expect(judge(sick(1))).toBeUndefined();
    expect(judge([...well(1), ...sick(3)])).toBeDefined();
  });
});

describe("all nodes silent", () => {
  test("is no failure of nodes, and cannot be granted", () => {
    expect(judge(sick(2, { silent: true }))).toEqual({
      scope: "AllSilent",
      why: "all 2 nodes went silent: check the control plane",
      grantable: false,
    });
    expect(judge(sick(1, { silent: true }))).toBeUndefined();
  });

  test("is judged over every node of the list, whatever is selected", () => {
    const selected = sick(8, { silent: true, pool: "blue" });
    expect(judge([...selected, ...well(100, { leftOut: true })], { ...SUBJECT, pool: "blue" })).toMatchObject(
      { scope: "Pool" },
    );
    const silent = well(100, { leftOut: true, silent: true });
    expect(judge([...selected, ...silent])).toMatchObject({ scope: "AllSilent" });
  });
});

const counts = (over: Partial<FleetNode>) => judge([...sick(3, over), ...well(7)]) !== undefined;

describe("no breaker counts", () => {
  test("a node that the agent would not repair, or that is not selected", () => {
    expect(counts({})).toBe(true);
    expect(counts({ excused: true })).toBe(false);
    expect(counts({ leftOut: true })).toBe(false);
  });

  test("a failure or an incident that is a day old", () => {
    expect(counts({ failing: { GPU: NOON - DAY + 1 } })).toBe(true);
    expect(counts({ failing: { GPU: NOON - DAY } })).toBe(false);
    expect(counts({ failing: { GPU: NOON - DAY, NodeReady: NOON } })).toBe(false);
    expect(counts({ since: NOON - DAY })).toBe(false);
  });

  test("a node or a pool that an operator paused in the ledger", () => {
    const pause = { since: NOON, by: "ann", reason: "firmware" };
    const fleet = fleetHealth([...sick(3, { pool: "blue" }), ...well(7)]);
    const asked = (meta: Parameters<typeof aLedger>[1]) =>
      breakerOf(fleet, DEFAULT_BREAKER, NOON, aLedger([], meta)).ask({ ...SUBJECT, pool: "blue" });
    expect(asked({})).toBeDefined();
    expect(asked({ pausedPools: { blue: pause } })).toBeUndefined();
    expect(asked({ pausedNodes: { "sick-0": pause } })).toBeUndefined();
    expect(asked({ pausedPools: { blue: { ...pause, until: NOON } } })).toBeDefined();
  });
});

describe("in any fleet", () => {
  const node: fc.Arbitrary<FleetNode> = fc.record({
    name: fc.string(),
    pool: fc.constantFrom("a", "b", "c", "constructor", "__proto__"),
    zone: fc.constantFrom("z1", "z2", "__proto__"),
    failing: fc.dictionary(fc.constantFrom(...CHECKER_NAMES), fc.constantFrom(LONG_AGO, NOON), {
      maxKeys: 3,
    }),
    silent: fc.boolean(),
    providerId: fc.constantFrom("civo:///1", "civo:///2", "civo:///3"),
  });
  const subject = fc.record({
    pool: fc.constantFrom("a", "b", "c", "constructor", "__proto__", "d"),
    zone: fc.constantFrom("z1", "z2", "__proto__"),
    checkers: fc.subarray([...CHECKER_NAMES], { minLength: 1 }),
  });
  const fleet = fc.array(node, { maxLength: 40 });

  test("a scope of the closed set is told, and the sums of pools and of zones are the fleet", () => {
    fc.assert(
      fc.property(fleet, subject, (nodes, asks) => {
        const health = fleetHealth(nodes);
        const found = breakerOf(health, DEFAULT_BREAKER, NOON).ask(asks);
        expect([undefined, ...BREAKER_SCOPES]).toContain(found?.scope);
        for (const groups of [health.byPool, health.byZone])
          expect(groups.values().reduce((all, one) => all + one, 0)).toBe(health.nodes);
      }),
    );
  });

  test("the census and the failing nodes are the same fleet as all of its nodes", () => {
    fc.assert(
      fc.property(fleet, (nodes) => {
        const { sick: failing, byPool, byZone, claimants, ...counted } = fleetHealth(nodes);
        const census = {
          ...counted,
          byPool: Object.fromEntries(byPool),
          byZone: Object.fromEntries(byZone),
          claimants: Object.fromEntries(claimants),
        };
        expect(fleetOf(census, nodes)).toEqual(fleetHealth(nodes));
        expect(fleetOf(census, failing)).toEqual(fleetHealth(nodes));
      }),
    );
  });

  test("one more sick node without pool and zone never closes the breaker for any node without them", () => {
    fc.assert(
      fc.property(fleet, subject, (nodes, { checkers }) => {
        const asked = (all: readonly FleetNode[]) =>
          breakerOf(fleetHealth(all), DEFAULT_BREAKER, NOON).ask({ checkers }) !== undefined;
        const spread = nodes.map(({ name, failing, silent }) => ({ name, failing, silent }));
        const worse = [...spread, ...sick(1, { silent: true }, checkers[0])];
        expect(asked(spread) && !asked(worse)).toBe(false);
      }),
    );
  });
});
