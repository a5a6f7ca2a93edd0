import fc from "fast-check";
import { expect, test } from "vitest";
import { ranOf, remainderOf } from "@node-agent/shared/core/checker-clocks.ts";
import { dueIn } from "@node-agent/shared/core/due.ts";
import { MINUTE, SECOND, type Millis } from "@node-agent/shared/core/time.ts";
import { ACTIVE, Timeline } from "./timeline.ts";

const { threshold } = ACTIVE.checkers.NodeReady;
const numRuns = Number(process.env["PROPERTY_RUNS"] ?? 300);

/** A spell of failing and the spell of passing after it. */
interface Cycle {
  readonly down: Millis;
  readonly up: Millis;
}

/** What the clock of NodeReady holds now, whether it fails or drains. */
function held({ record, observed }: Timeline): Millis {
  const { failing, draining } = record;
  if (failing.NodeReady !== undefined) return Math.min(ranOf(failing.NodeReady, observed), threshold);
  return draining?.NodeReady === undefined ? 0 : remainderOf(draining.NodeReady, threshold, observed);
}

/** Lives through the cycles; the number of the first one at the end of whose failure a reboot was due. */
function firstDueCycle(life: Timeline, cycles: readonly Cycle[]): number | undefined {
  for (const [i, { down, up }] of cycles.entries()) {
    life.judge({ NodeReady: "Fail" });
    life.pass(down);
    if (dueIn(life.record, life.policy, life.observed) === 0) return i;
    life.judge();
    expect(life.step()).toMatchObject({ step: "Finish", gate: "NothingFailing" });
    life.pass(up);
  }
  return undefined;
}

const seconds = (min: number, max: number) => fc.integer({ min, max }).map((count) => count * SECOND);
/** A spell of a length, and one that is shorter by at least a tenth. */
const unequal = seconds(10, 600).chain((long) =>
  fc.tuple(fc.constant(long), seconds(0, Math.floor((0.9 * long) / SECOND))),
);

test("a node that is down for more than half of each cycle becomes due, however short the cycle", () => {
  const property = fc.property(unequal, ([down, up]) => {
    const gain = down - up;
    const enough = Math.ceil(threshold / gain) + 1;
    const cycles = Array.from({ length: enough }, () => ({ down, up }));
    expect(firstDueCycle(new Timeline(), cycles)).toBeDefined();
  });
  fc.assert(property, { numRuns });
});

test("a node that is down for less than half of each cycle never does, while each failure is below the threshold", () => {
  const short = unequal.filter(([, down]) => down < threshold);
  const cycle = short.map(([up, down]): Cycle => ({ down, up }));
  const property = fc.property(fc.array(cycle, { minLength: 1, maxLength: 60 }), (cycles) => {
    expect(firstDueCycle(new Timeline(), cycles)).toBeUndefined();
  });
  fc.assert(property, { numRuns });
});

/** Cycles of 150 seconds with this share of failure. */
const share = (percent: number): Cycle[] =>
  Array.from({ length: 1000 }, () => ({ down: percent * 1.5 * SECOND, up: (100 - percent) * 1.5 * SECOND }));

test("down for 80 % of the time is due in the third cycle, down for 40 % never", () => {
  expect(firstDueCycle(new Timeline(), share(80))).toBe(2);
  expect(firstDueCycle(new Timeline(), share(40))).toBeUndefined();
});

test("a clock fills and drains at the same speed, never below zero and never above the threshold", () => {
  const step = fc.record({ fails: fc.boolean(), span: seconds(0, 400) });
  const property = fc.property(fc.array(step, { minLength: 1, maxLength: 40 }), (steps) => {
    const life = new Timeline();
    let expected = 0;
    for (const { fails, span } of steps) {
      life.judge(fails ? { NodeReady: "Fail" } : {});
      life.pass(span);
      expected = Math.min(threshold, Math.max(0, expected + (fails ? span : -span)));
      expect(held(life)).toBe(expected);
    }
  });
  fc.assert(property, { numRuns });
});

test("judging a snapshot again, at once or later, changes neither the clock nor, at once, a byte", () => {
  const step = fc.record({ fails: fc.boolean(), span: seconds(1, 400) });
  const property = fc.property(fc.array(step, { minLength: 1, maxLength: 20 }), (steps) => {
    const [once, often] = [new Timeline(), new Timeline()];
    for (const { fails, span } of steps) {
      const verdicts = fails ? ({ NodeReady: "Fail" } as const) : {};
      once.judge(verdicts);
      for (let part = 0; part < 4; part += 1) {
        const first = JSON.stringify(often.judge(verdicts));
        expect(JSON.stringify(often.judge(verdicts))).toBe(first);
        often.pass(span / 4);
      }
      once.pass(span);
      expect(held(often)).toBe(held(once));
    }
  });
  fc.assert(property, { numRuns });
});

test("a node that was down for days drains within one threshold", () => {
  const life = new Timeline();
  life.judge({ NodeReady: "Fail" });
  life.pass(3 * 24 * 60 * MINUTE).judge();
  expect(held(life)).toBe(threshold);
  expect(held(life.pass(threshold - 1))).toBe(1);
  expect(held(life.pass(1))).toBe(0);
  expect(life.judge()).not.toHaveProperty("draining");
});

test("only observed time drains", () => {
  const life = new Timeline();
  life.judge({ NodeReady: "Fail" });
  life.pass(4 * MINUTE).judge();
  expect(held(life.passBlind(60 * MINUTE))).toBe(4 * MINUTE);
});
