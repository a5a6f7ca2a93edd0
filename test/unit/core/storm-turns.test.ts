import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { BUDGETS, type Room } from "@node-agent/shared/core/storm/budgets.ts";
import {
  beforeInLine,
  firstInLine,
  waitingSince,
  waitsInLine,
  type Waiting,
} from "@node-agent/shared/core/storm/turns.ts";
import { MINUTE } from "@node-agent/shared/core/time.ts";
import { NOON } from "./ledger-build.ts";
import { Timeline } from "./timeline.ts";

const waiting = (node: string, over: Partial<Waiting> = {}): Waiting => ({
  node,
  since: NOON,
  budget: "Cluster",
  until: NOON + MINUTE,
  ...over,
});
const before = (line: readonly Waiting[], subject: Waiting, now = NOON) =>
  beforeInLine(line, subject, now, MINUTE)?.node;

describe("whose turn it is", () => {
  test("that of whoever has waited longest, and of two the one whose name comes first", () => {
    const line = [waiting("c"), waiting("b", { since: NOON - 1 }), waiting("a")];
    expect(before(line, waiting("z"))).toBe("b");
    expect(before(line, waiting("b", { since: NOON - 1 }))).toBeUndefined();
    expect(before([waiting("a"), waiting("c")], waiting("b"))).toBe("a");
    expect(before([waiting("a")], waiting("a"))).toBeUndefined();
  });

  test("who waits for room in a pool or a zone stands before nobody else", () => {
    const pool = waiting("a", { budget: "Pool", pool: "blue" });
    expect(before([pool], waiting("b", { pool: "blue" }))).toBe("a");
    expect(before([pool], waiting("b", { pool: "green" }))).toBeUndefined();
    const zone = waiting("a", { budget: "Zone", zone: "z1" });
    expect(before([zone], waiting("b", { zone: "z1" }))).toBe("a");
    expect(before([zone], waiting("b", { zone: "z2" }))).toBeUndefined();
  });

  test("who did not look again in time has lost the place", () => {
    expect(before([waiting("a")], waiting("b"), NOON + 2 * MINUTE - 1)).toBe("a");
    expect(before([waiting("a")], waiting("b"), NOON + 2 * MINUTE)).toBeUndefined();
    expect(firstInLine([waiting("a")], NOON + 2 * MINUTE, MINUTE)).toEqual([]);
  });

  test("who is not the first goes all the same, when there is room for all that have waited longer", () => {
    const line = [waiting("a"), waiting("b"), waiting("c", { budget: "Pool", pool: "blue" })];
    const ask = (room: Room, pool?: string) =>
      beforeInLine(line, waiting("z", pool === undefined ? {} : { pool }), NOON, 0, room)?.node;
    expect(ask({ pool: 1, zone: 1, cluster: 2 })).toBe("a");
    expect(ask({ pool: 1, zone: 1, cluster: 3 })).toBeUndefined();
    expect(ask({ pool: 1, zone: 1, cluster: 3 }, "blue")).toBe("c");
    expect(ask({ pool: 2, zone: 1, cluster: 3 }, "blue")).toBeUndefined();
  });

  test("each room has a first in line of its own", () => {
    const line = [
      waiting("b", { budget: "Pool", pool: "blue" }),
      waiting("a", { budget: "Pool", pool: "blue", since: NOON - 1 }),
      waiting("c", { budget: "Pool", pool: "green" }),
      waiting("e", { budget: "Hour" }),
      waiting("d", { budget: "Spacing" }),
      waiting("z", { budget: "Zone", zone: "z1" }),
    ];
    expect(firstInLine(line, NOON, 0).map(({ node }) => node)).toEqual(["a", "c", "d", "z"]);
  });

  test("budgets that nobody shares have no line", () => {
    expect(BUDGETS.filter((budget) => !waitsInLine(budget))).toEqual(["Node", "Efficacy", "Turn"]);
  });

  test("a node waits since its incident began, and after a reboot since its wait ended", () => {
    const life = new Timeline();
    life.pass(MINUTE).judge({ NodeReady: "Fail" });
    const began = life.now;
    expect(waitingSince(life.record)).toBe(began);
    life.pass(5 * MINUTE).reboot();
    expect(waitingSince(life.record)).toBe(life.record.lastReboot?.waitUntil);
  });

  test("of any line exactly one node has its turn, when all wait for the same room", () => {
    const place = fc.record({ node: fc.string({ minLength: 1 }), since: fc.nat(5) });
    fc.assert(
      fc.property(fc.uniqueArray(place, { minLength: 1, selector: ({ node }) => node }), (places) => {
        const line = places.map(({ node, since }) => waiting(node, { since: NOON - since }));
        expect(line.filter((one) => before(line, one) === undefined)).toHaveLength(1);
      }),
    );
  });
});
