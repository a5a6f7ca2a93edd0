import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ABLATIONS } from "./ablations.ts";
import type { Configuration } from "./configuration.ts";
import { SMALL_WORLDS } from "./configurations.ts";
import { explore, PROGRESS } from "./explore.ts";
import { formatTrace } from "./format.ts";
import type { Successors, System } from "./successors.ts";
import { systemOf } from "./system.ts";

/** A system whose states are numbers and whose transitions are given; entering `planted` breaks a promise. */
function graphSystem(
  edges: readonly (readonly [number, number])[],
  planted: number,
  progress?: string,
): System {
  return {
    words: 1,
    initial: () => new Uint32Array(1),
    expand(state, out: Successors) {
      for (const [from, to] of edges) {
        if (from !== state[0]) continue;
        const next = out.from(state);
        next[0] = to;
        out.add(
          `to ${to}`,
          -1,
          -1,
          to === planted ? { invariant: "planted", why: `entered ${to}` } : undefined,
        );
      }
    },
    ...(progress === undefined ? {} : { progress }),
  };
}

const NODES = 12;
const graph = fc.array(fc.tuple(fc.nat(NODES - 1), fc.nat(NODES - 1)), { maxLength: 40 });

/** Steps from each node to the nearest of `targets`; absent: none is reachable. The textbook's way, as an oracle. */
function distances(
  edges: readonly (readonly [number, number])[],
  targets: readonly number[],
): Map<number, number> {
  const found = new Map(targets.map((target) => [target, 0]));
  for (const [node, distance] of found) {
    for (const [from, to] of edges) if (to === node && !found.has(from)) found.set(from, distance + 1);
  }
  return found;
}

describe("the explorer", () => {
  test("finds a planted violation in every graph where it can be reached, by a shortest way", () => {
    fc.assert(
      fc.property(graph, fc.integer({ min: 1, max: NODES - 1 }), (edges, planted) => {
        const result = explore(graphSystem(edges, planted));
        const distance = distances(edges, [planted]).get(0);
        expect(result.verdict).toBe(distance === undefined ? "Holds" : "Violated");
        expect(result.trace?.length).toBe(distance);
        expect(result.trace?.at(-1)?.what).toBe(distance === undefined ? undefined : `to ${planted}`);
      }),
    );
  });

  test("visits every state that can be reached, and no other", () => {
    fc.assert(
      fc.property(graph, (edges) => {
        const backwards = edges.map(([from, to]) => [to, from] as const);
        const result = explore(graphSystem(edges, -1));
        expect(result.states).toBe(distances(backwards, [0]).size);
      }),
    );
  });

  test("finds the states from which progress is cut off, and only those", () => {
    fc.assert(
      fc.property(graph, fc.integer({ min: 1, max: NODES - 1 }), (edges, wanted) => {
        const result = explore(graphSystem(edges, -1, `to ${wanted}`));
        const steps = edges.filter(([, to]) => to === wanted).map(([from]) => from);
        const alive = distances(edges, [...new Set(steps)]);
        const reachable = distances(
          edges.map(([from, to]) => [to, from] as const),
          [0],
        );
        const cutOff = [...reachable.keys()].some((node) => !alive.has(node));
        expect(result.violation?.invariant).toBe(cutOff ? PROGRESS : undefined);
      }),
    );
  });

  test("stops at its bound and says so", () => {
    const endless: System = {
      words: 1,
      initial: () => new Uint32Array(1),
      expand(state, out) {
        const next = out.from(state);
        next[0] = (next[0] as number) + 1;
        out.add("one more");
      },
    };
    expect(explore(endless, 1000).verdict).toBe("Bound");
  });

  test("refuses a symmetry that is none", () => {
    const graphWithLie = {
      ...graphSystem(
        [
          [0, 1],
          [1, 2],
          [2, 3],
          [3, 4],
        ],
        4,
      ),
      canonicalize: (state: Uint32Array) => {
        if (state[0] === 2) state[0] = 3;
      },
    };
    expect(() => explore(graphWithLie)).toThrow("canonicalize is not a symmetry");
  });
});

function isSmallWithoutSymmetry({
  vms,
  releases,
  restore,
  planStale,
  breaker,
  memory,
  workers,
  verification,
  foreignReboots,
}: Configuration): boolean {
  if (verification && (vms > 1 || foreignReboots !== "Never")) return false;
  if (breaker > 0 || (planStale > 0 && vms > 1) || (memory && workers > 1)) return false;
  return restore === "Never" || !releases;
}

describe("symmetry reduction", () => {
  const worlds = [
    ...[
      "plain",
      "three",
      "budget",
      "late",
      "recreation",
      "releases",
      "foreign",
      "verification",
      "attempts",
      "plan",
      "gpu",
    ].map((name) => SMALL_WORLDS[name as keyof typeof SMALL_WORLDS]),
    ...ABLATIONS.map(({ world }) => world).filter(isSmallWithoutSymmetry),
  ];

  test.each(worlds)("changes no verdict and no trace length: $name without $without", (world) => {
    const [reduced, full] = [explore(systemOf(world)), explore(systemOf(world, false))];
    expect(reduced.verdict).toBe(full.verdict);
    expect(reduced.violation?.invariant).toBe(full.violation?.invariant);
    expect(reduced.trace?.length).toBe(full.trace?.length);
    expect(reduced.states).toBeLessThanOrEqual(full.states);
  });
});

test("a counterexample reads as a list of steps, with times and names", () => {
  const ablation = ABLATIONS.find(({ protection }) => protection === "unknownIsReboot");
  const { trace = [] } = explore(systemOf((ablation as (typeof ABLATIONS)[number]).world));
  expect(formatTrace(trace)).toMatchInlineSnapshot(`
    "   1  t=0   VM 1 falls sick
       2  t=0   worker A (VM 1) reads the ledger: it allows
       3  t=0   worker A (VM 1) reads the node: sick
       4  t=0   worker A (VM 1) writes the intent
       5  t=0   worker A (VM 1) calls the cloud
       6  t=0   worker A (VM 1) its call is carried out: the cloud reboots
       7  t=0   worker A (VM 1) hears no answer, and takes it for not sent
       8  t=0   worker A (VM 1) reads the ledger to release the window
       9  t=0   worker A (VM 1) releases the window
      10  t=1   worker A (VM 1) reads the ledger: it allows
      11  t=1   worker A (VM 1) reads the node: sick
      12  t=1   worker A (VM 1) writes the intent
      13  t=1   worker A (VM 1) calls the cloud
      14  t=1   worker A (VM 1) its call is carried out: the cloud reboots"
  `);
});
