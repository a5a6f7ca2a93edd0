import { describe, expect, test } from "vitest";
import { DEFAULT_POLICY } from "@node-agent/shared/core/policy.ts";
import { allowed } from "@node-agent/shared/core/storm/policy.ts";
import { DAY, HOUR, MINUTE, SECOND, type Millis } from "@node-agent/shared/core/time.ts";
import { expectTable } from "../docs/markdown.ts";
import { range, run, type Failure, type Outcome, type Shape } from "./virtual-fleet.ts";

const LARGE: Shape = { nodes: 5000, zones: 5, poolsPerZone: 4 };
/** NodeReady is due then. */
const DUE = DEFAULT_POLICY.checkers.NodeReady.threshold;
const LONG = 2 * DAY;

/** So many nodes of one zone fail within 30 seconds, and stay dead until they are rebooted. */
const lost = (count: number, { poolsPerZone }: Shape = LARGE): Failure[] =>
  range(count).map((i) => ({ zone: 0, pool: i % poolsPerZone, at: (i * 30 * SECOND) / count }));
const granted = { lasts: LONG, orders: [{ zone: "z0", at: DUE, lasts: DAY }] };
/** When the last repair began, from the time that the first was due: then the operator grants. */
const lastBegun = (outcomes: readonly Outcome[]): Millis =>
  Math.max(...outcomes.map(({ begunAt = Infinity }) => begunAt)) - DUE;
const heldBy = (outcomes: readonly Outcome[]): string[] => [
  ...new Set(outcomes.flatMap(({ held }) => Object.keys(held))),
];

describe("5,000 nodes in 5 zones, a boot of 8 minutes", () => {
  test.each([
    [20, 0.5],
    [100, 1],
    [200, 2],
    [500, 5],
  ])("%d nodes of a zone, one grant of that zone: the last repair begins within %d h", (count, hours) => {
    const outcomes = run(LARGE, lost(count), granted);
    expect(lastBegun(outcomes)).toBeLessThanOrEqual(hours * HOUR);
    // Each of them once: a repair is never given up for another one.
    expect(outcomes.map(({ repairs }) => repairs)).toEqual(lost(count).map(() => 1));
  });

  test.each([20, 100, 200, 500])(
    "%d nodes of a zone, no grant, 95 %% recover with the power: the others are repaired without an operator",
    (count) => {
      const back = 30 * MINUTE;
      const failures = lost(count).map((one, i) =>
        i % 20 === 0 ? one : Object.assign(one, { healsAt: back }),
      );
      const outcomes = run(LARGE, failures, { lasts: LONG });
      const dead = outcomes.filter(({ failure }) => failure.healsAt === undefined);
      expect(dead.map(({ repairs }) => repairs)).toEqual(dead.map(() => 1));
      expect(lastBegun(dead)).toBeLessThanOrEqual(HOUR);
    },
  );

  test("half of a zone fails, no grant: the breaker of the zone holds it, and no other zone", () => {
    const elsewhere: Failure = { zone: 1, pool: 0, at: 10 * MINUTE };
    const outcomes = run(LARGE, [...lost(500), elsewhere], { lasts: HOUR });
    expect(heldBy(outcomes)).toEqual(["Breaker"]);
    expect(outcomes.filter(({ begunAt }) => begunAt !== undefined)).toMatchObject([{ failure: elsewhere }]);
    expect(outcomes.at(-1)).toMatchObject({ repairs: 1, held: {} });
  });

  test("100 independent failures, one every 5 minutes: each repair begins within 5 minutes of being due", () => {
    const failures = range(100).map((i) => ({ zone: i % 5, pool: i % 4, at: i * 5 * MINUTE }));
    for (const { begunAt = Infinity, dueAt } of run(LARGE, failures, { lasts: LONG }))
      expect(begunAt - dueAt).toBeLessThanOrEqual(5 * MINUTE);
  });

  test("10 failures a day, 40 % of them incurable: other checkers and pools are never held", () => {
    // The dead GPUs are all in one pool; the others are spread over the fleet.
    const failures = range(100).map((i): Failure => {
      const at = i * 2.4 * HOUR;
      if (i % 5 < 2) return { zone: 0, pool: 0, at, checker: "GPU", incurable: true };
      return { zone: i % 5, pool: 1 + (i % 3), at, checker: i % 2 === 0 ? "GPU" : "NodeReady" };
    });
    const outcomes = run(LARGE, failures, { lasts: 11 * DAY });
    const others = outcomes.filter(({ failure }) => failure.incurable !== true);
    expect(heldBy(others)).toEqual([]);
    expect(others.every(({ repairs }) => repairs === 1)).toBe(true);
  });
});

test("2,048 nodes of 8 GPUs, a failure each 1.8 h as Kokolis et al. count them: no operator, no hold", () => {
  const shape: Shape = { nodes: 2048, zones: 1, poolsPerZone: 4 };
  const failures = range(133).map((i) => ({
    zone: 0,
    pool: i % 4,
    at: i * 1.8 * HOUR,
    checker: "GPU" as const,
  }));
  const outcomes = run(shape, failures, { lasts: 11 * DAY });
  expect(heldBy(outcomes)).toEqual([]);
  expect(outcomes.every(({ begunAt = Infinity, dueAt }) => begunAt - dueAt < MINUTE)).toBe(true);
});

test("20 nodes: one repair is open at a time", () => {
  const { limits } = DEFAULT_POLICY;
  const most = [limits.open.cluster, limits.open.zone, limits.open.pool].map((share) => allowed(share, 20));
  expect(Math.min(...most)).toBe(1);
});

function span(ms: Millis): string {
  if (ms < MINUTE) return "at once";
  return ms < 2 * HOUR ? `${Math.round(ms / MINUTE)} min` : `${(ms / HOUR).toFixed(1)} h`;
}

describe("docs/limits.md", () => {
  const FLEETS: readonly (readonly [string, Shape])[] = [
    ["20 nodes", { nodes: 20, zones: 1, poolsPerZone: 1 }],
    ["100 nodes", { nodes: 100, zones: 1, poolsPerZone: 2 }],
    ["1,000 nodes, 5 zones", { nodes: 1000, zones: 5, poolsPerZone: 2 }],
    ["5,000 nodes, 5 zones", LARGE],
    ["15,000 nodes, 5 zones", { nodes: 15_000, zones: 5, poolsPerZone: 4 }],
  ];
  test("tells how long an incident takes", () => {
    const rows = [1, 5, 20, 100, 200, 500].map((count) => {
      const took = FLEETS.map(([, shape]) => {
        if (count > shape.nodes / shape.zones) return "-";
        const failures = lost(count, shape);
        const isHeld = heldBy(run(shape, failures, { lasts: DUE + MINUTE })).includes("Breaker");
        const last = span(lastBegun(run(shape, failures, isHeld ? granted : { lasts: LONG })));
        return isHeld ? `${last}, granted` : last;
      });
      return [String(count)].concat(took);
    });
    expectTable("docs/limits.md", "How long an incident takes", {
      header: ["Nodes that fail at once", ...FLEETS.map(([name]) => name)],
      rows,
    });
  });

  test("tells what the defaults allow", () => {
    const { open, rate } = DEFAULT_POLICY.limits;
    const rows = FLEETS.map(([name, { nodes, zones, poolsPerZone }]) => [
      name,
      String(allowed(open.cluster, nodes)),
      String(allowed(open.zone, nodes / zones)),
      String(allowed(open.pool, nodes / zones / poolsPerZone)),
      String(allowed(rate, nodes)),
    ]);
    expectTable("docs/limits.md", "What the defaults allow", {
      header: ["Fleet", "Open in the cluster", "Open in a zone", "Open in a pool", "Begun within an hour"],
      rows,
    });
  });
});
