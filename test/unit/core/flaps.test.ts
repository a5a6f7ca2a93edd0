import { describe, expect, test } from "vitest";
import { needsAttention } from "@node-agent/shared/core/attention.ts";
import { FLAPS_KEPT, flapsWithin } from "@node-agent/shared/core/flaps.ts";
import { HOUR, MINUTE } from "@node-agent/shared/core/time.ts";
import { Timeline, type Verdicts } from "./timeline.ts";

/** So many flaps of a checker, one every four minutes. */
function flap(life: Timeline, times: number, verdicts: Verdicts = { NodeReady: "Fail" }): Timeline {
  for (let i = 0; i < times; i += 1) {
    life.pass(2 * MINUTE).judge(verdicts);
    life.pass(2 * MINUTE).judge();
  }
  return life;
}
const flaps = ({ record }: Timeline) => record.flaps?.NodeReady;

describe("flaps", () => {
  test("are changes from Fail to Pass, per checker; a skip is none", () => {
    const life = flap(new Timeline(), 2);
    life.judge({ GPU: "Fail" });
    life.judge({ GPU: "Skip" });
    expect(life.record.flaps).toEqual({ NodeReady: { at: [life.now - 4 * MINUTE, life.now] } });
  });

  test("count within a sliding hour and are forgotten after it", () => {
    const life = flap(new Timeline(), 3);
    life.pass(HOUR - 4 * MINUTE);
    expect(flapsWithin(flaps(life)!, life.now)).toBe(1);
    life.pass(4 * MINUTE);
    expect(flapsWithin(flaps(life)!, life.now)).toBe(0);
    expect(life.judge()).not.toHaveProperty("flaps");
  });

  test("are kept in a record of bounded size", () => {
    const life = new Timeline();
    for (let i = 0; i < 100; i += 1) {
      life.judge({ NodeReady: "Fail" });
      life.pass(1000).judge();
    }
    expect(flaps(life)?.at).toHaveLength(FLAPS_KEPT);
  });

  test("of another uid are not those of this node", () => {
    const life = flap(new Timeline(), 3);
    life.node = { ...life.node, uid: "uid-2" };
    expect(life.judge()).not.toHaveProperty("flaps");
  });

  test("survive a change of mode: they are facts about the node", () => {
    const life = flap(new Timeline(), 3);
    life.policy = { ...life.policy, monitorOnly: true };
    expect(life.judge().flaps?.NodeReady?.at).toHaveLength(3);
  });
});

describe("a node flaps", () => {
  test("from the threshold on, and says since when", () => {
    const life = flap(new Timeline(), 4);
    expect(flaps(life)).not.toHaveProperty("flappingSince");
    expect(needsAttention(life.record)).toBe(false);
    flap(life, 1);
    expect(flaps(life)?.flappingSince).toBe(life.now);
    expect(needsAttention(life.record)).toBe(true);
  });

  test("until fewer than half as many lie within the hour, and then again from the threshold on", () => {
    const life = flap(new Timeline(), 5);
    const since = life.now;
    life.pass(HOUR - 12 * MINUTE).judge();
    expect(flaps(life)).toMatchObject({ flappingSince: since });
    life.pass(4 * MINUTE).judge();
    expect(flaps(life)).not.toHaveProperty("flappingSince");
    flap(life.pass(HOUR), 4);
    expect(flaps(life)).not.toHaveProperty("flappingSince");
    flap(life, 1);
    expect(flaps(life)).toMatchObject({ flappingSince: life.now });
  });

  test("at the edge is one time of flapping, and not one per flap", () => {
    const life = flap(new Timeline(), 5);
    const since = life.now;
    // Four to five flaps an hour, for a day.
    for (let i = 0; i < 100; i += 1) {
      life.pass(12 * MINUTE).judge({ NodeReady: "Fail" });
      life.pass(MINUTE).judge();
      expect(flaps(life)?.flappingSince).toBe(since);
    }
  });
});
