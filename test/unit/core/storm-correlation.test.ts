import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CHECKER_NAMES, type CheckerName } from "@node-agent/shared/core/check.ts";
import { STORM_KINDS, stormOf, type StormSubject } from "@node-agent/shared/core/storm/correlation.ts";
import { fleetHealth, type FleetNode } from "@node-agent/shared/core/storm/fleet.ts";
import { DEFAULT_STORM_POLICY, type StormPolicy } from "@node-agent/shared/core/storm/policy.ts";
import { HOUR, MINUTE, SECOND } from "@node-agent/shared/core/time.ts";
import { NOON } from "./ledger-build.ts";

const LONG_AGO = NOON - HOUR;
const SUBJECT: StormSubject = { checkers: ["NodeReady"] };

/** So many nodes, all healthy, in pools and zones of their own unless told otherwise. */
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
  subject: StormSubject = SUBJECT,
  policy: StormPolicy = DEFAULT_STORM_POLICY,
) => stormOf(subject, fleetHealth(nodes), policy, NOON);

describe("a storm across the cluster", () => {
  test("from a fifth of the nodes on", () => {
    const policy = { ...DEFAULT_STORM_POLICY, checkerPercent: 100 };
    expect(judge([...well(81), ...sick(19)], SUBJECT, policy)).toBeUndefined();
    expect(judge([...well(80), ...sick(20)], SUBJECT, policy)).toEqual({
      kind: "ClusterUnhealthy",
      why: "20 of 100 nodes are unhealthy",
    });
  });

  test("is none below the floor: a small cluster is repaired, whatever the share", () => {
    expect(judge([...well(1), ...sick(2)])).toBeUndefined();
    expect(judge(sick(1))).toBeUndefined();
    expect(judge([...well(1), ...sick(3)])).toMatchObject({ kind: "ClusterUnhealthy" });
  });

  test("is told when every node went silent: it is the control plane", () => {
    const silent = sick(2, { silent: true });
    expect(judge(silent)).toEqual({
      kind: "AllSilent",
      why: "all 2 nodes went silent: suspect the control plane",
    });
    expect(judge([...silent, ...well(1)])).toBeUndefined();
    expect(judge(sick(1, { silent: true }))).toBeUndefined();
  });
});

describe("a storm in a zone", () => {
  const inZone = { zone: "z1" };
  const fleet = [...well(1, inZone), ...sick(3, inZone), ...well(96, { zone: "z2" })];

  test("holds the nodes of that zone, and no other", () => {
    expect(judge(fleet, { ...SUBJECT, ...inZone })).toEqual({
      kind: "ZoneUnhealthy",
      why: "3 of 4 nodes of zone z1 are unhealthy",
    });
    expect(judge(fleet, { ...SUBJECT, zone: "z2" })).toBeUndefined();
    expect(judge(fleet, { ...SUBJECT, zone: "unheard of" })).toBeUndefined();
  });

  test("nodes without a zone are no zone", () => {
    expect(judge([...sick(3), ...well(97, inZone)])).toBeUndefined();
  });
});

describe("a pool that is down as a whole", () => {
  test("holds, even below the floor", () => {
    const fleet = [...sick(2, { pool: "blue" }), ...well(98)];
    expect(judge(fleet, { ...SUBJECT, pool: "blue" })).toEqual({
      kind: "PoolDown",
      why: "all 2 nodes of pool blue are unhealthy",
    });
    expect(judge(fleet, SUBJECT)).toBeUndefined();
  });

  test("of one node is no pool down: its node is repaired", () => {
    expect(judge([...sick(1, { pool: "blue" }), ...well(9)], { ...SUBJECT, pool: "blue" })).toBeUndefined();
  });

  test("with one node up is not down", () => {
    const fleet = [...sick(2, { pool: "blue" }), ...well(1, { pool: "blue" }), ...well(97)];
    expect(judge(fleet, { ...SUBJECT, pool: "blue" })).toBeUndefined();
  });
});

describe("a checker that fails everywhere", () => {
  const gpu: StormSubject = { checkers: ["GPU"] };

  test("is not believed from a tenth of the nodes on", () => {
    expect(judge([...well(91), ...sick(9, {}, "GPU")], gpu)).toBeUndefined();
    expect(judge([...well(90), ...sick(10, {}, "GPU")], gpu)).toEqual({
      kind: "CheckerEverywhere",
      why: "GPU fails on 10 of 100 nodes",
    });
  });

  test("holds no node that another checker finds sick", () => {
    const fleet = [...well(89), ...sick(10, {}, "GPU"), ...sick(1)];
    expect(judge(fleet, { checkers: ["NodeReady", "GPU"] })).toBeUndefined();
    expect(judge(fleet, SUBJECT)).toBeUndefined();
  });

  test("is none below the floor", () => {
    expect(judge([...well(8), ...sick(2, {}, "GPU")], gpu)).toBeUndefined();
  });
});

const began = (count: number, ago: number): FleetNode[] =>
  sick(count).map(({ name }) => ({ name, failing: { NodeReady: NOON - ago }, silent: false }));

describe("a burst", () => {
  test("of more than three within a minute is one event", () => {
    expect(judge([...well(100), ...began(3, 0)])).toBeUndefined();
    expect(judge([...well(100), ...began(4, MINUTE - 1)])).toEqual({
      kind: "Burst",
      why: "4 nodes began to fail within 60 s",
    });
    expect(judge([...well(100), ...began(4, MINUTE)])).toBeUndefined();
  });

  test("holds each node that fell in it for as long as they fail, also when its threshold passed long ago", () => {
    const fleet = [...well(1000), ...began(90, 5 * MINUTE)];
    expect(judge(fleet, { ...SUBJECT, since: NOON - 5 * MINUTE })).toEqual({
      kind: "Burst",
      why: "it began to fail with more than 3 others within 60 s",
    });
    expect(judge(fleet, { ...SUBJECT, since: NOON - 20 * MINUTE })).toBeUndefined();
    const mostAreWell = [...well(1000), ...began(3, 5 * MINUTE)];
    expect(judge(mostAreWell, { ...SUBJECT, since: NOON - 5 * MINUTE })).toBeUndefined();
  });

  test("is the span of a minute around the node's own failure, wherever in it that lies", () => {
    const fleet = [0, 20, 40, 59].flatMap((seconds) => began(1, HOUR - seconds * SECOND));
    for (const seconds of [0, 20, 40, 59]) {
      const since = NOON - HOUR + seconds * SECOND;
      expect(judge([...well(100), ...fleet], { ...SUBJECT, since })?.kind).toBe("Burst");
    }
    const slower = [0, 20, 40, 61].flatMap((seconds) => began(1, HOUR - seconds * SECOND));
    for (const seconds of [0, 20, 40, 61]) {
      const since = NOON - HOUR + seconds * SECOND;
      expect(judge([...well(100), ...slower], { ...SUBJECT, since })).toBeUndefined();
    }
  });

  test("is not told by nodes that failed already when they were seen first: nobody knows when that began", () => {
    const flushed = began(9, 5 * MINUTE).map((one) => Object.assign(one, { startUnknown: true as const }));
    expect(judge([...well(100), ...flushed], { ...SUBJECT, since: NOON - 5 * MINUTE })).toBeUndefined();
    expect(judge([...well(100), ...began(9, 5 * MINUTE)], SUBJECT)).toBeUndefined();
  });

  test("is counted by each node's first failure", () => {
    const older = { NodeReady: NOON, GPU: LONG_AGO };
    const fleet = sick(4).map(({ name }) => ({ name, failing: older, silent: false }));
    expect(judge([...well(100), ...fleet])).toBeUndefined();
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
  });
  const subject = fc.record({
    pool: fc.constantFrom("a", "b", "c", "constructor", "__proto__", "d"),
    zone: fc.constantFrom("z1", "z2", "__proto__"),
    checkers: fc.subarray([...CHECKER_NAMES], { minLength: 1 }),
  });

  test("a kind of the closed set is told, and the sum of pools and of zones is the fleet", () => {
    fc.assert(
      fc.property(fc.array(node, { maxLength: 40 }), subject, (nodes, asks) => {
        const health = fleetHealth(nodes);
        const storm = stormOf(asks, health, DEFAULT_STORM_POLICY, NOON);
        expect([undefined, ...STORM_KINDS]).toContain(storm?.kind);
        for (const groups of [health.byPool, health.byZone]) {
          const sum = (of: "nodes" | "unhealthy") => groups.values().reduce((all, one) => all + one[of], 0);
          expect([sum("nodes"), sum("unhealthy")]).toEqual([health.nodes, health.unhealthy]);
        }
      }),
    );
  });

  test("one more sick node never ends a storm of the whole cluster", () => {
    fc.assert(
      fc.property(fc.array(node, { maxLength: 40 }), subject, (nodes, asks) => {
        const cluster = (fleet: readonly FleetNode[]) =>
          stormOf(asks, fleetHealth(fleet), DEFAULT_STORM_POLICY, NOON) !== undefined;
        const spread = nodes.map(({ name, failing, silent }) => ({ name, failing, silent }));
        const worse = [...spread, ...sick(1, { silent: true }, asks.checkers[0])];
        expect(cluster(spread) && !cluster(worse)).toBe(false);
      }),
    );
  });
});
