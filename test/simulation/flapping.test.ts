import { afterEach, beforeEach, expect, test } from "vitest";
import { HOUR, MINUTE, SECOND, type Millis } from "@node-agent/shared/core/time.ts";
import { Drill, LONG_ENOUGH } from "./drills.ts";
import type { Machine } from "./truth.ts";

/** The settings that the agent has out of the box, on a fleet of sixty. */
let drill: Drill;
beforeEach(async () => {
  drill = new Drill({ nodes: 60 });
  await drill.start();
});
afterEach(() => {
  drill.end();
});

const CYCLE = 5 * MINUTE;

/** One machine is down for this share of every five minutes. */
async function flap(machine: Machine, share: number, span: Millis): Promise<void> {
  await drill.runWith(span, CYCLE, () => {
    const { truth, time } = drill.world;
    if (machine.sickness === "none" && !machine.booting) truth.sicken(machine, "notReady");
    time.at(share * CYCLE, () => truth.heal(machine));
  });
}

const theFirst = (): Machine => drill.machines[0]!;
const told = (outcome: string): number => drill.world.outcomes.get(outcome) ?? 0;

test("a node that is down for 80 % of the time is rebooted within the hour", async () => {
  await flap(theFirst(), 0.8, HOUR);
  expect(drill.calls).toBeGreaterThan(0);
  expect(drill.violations).toEqual([]);
});

test("a node that is down for 40 % of the time never is, in three hours", async () => {
  await flap(theFirst(), 0.4, 3 * HOUR);
  expect(drill.calls).toBe(0);
});

test("a node that comes back for longer than its wait and fails again is rebooted three times, and never cured", async () => {
  for (let relapse = 0; relapse < 6; relapse += 1) {
    drill.sicken([theFirst()], "notReady");
    await drill.run(25 * MINUTE);
  }
  expect(drill.calls).toBe(3);
  expect([told("StillBad"), told("Cured")]).toEqual([3, 0]);
  expect(drill.violations).toEqual([]);
});

test("a node that stays well is cured half an hour after it came back", async () => {
  drill.sicken([theFirst()], "notReady");
  await drill.run(35 * MINUTE);
  expect([drill.calls, told("Cured")]).toEqual([1, 0]);
  await drill.run(10 * MINUTE);
  expect(told("Cured")).toBe(1);
});

test("a place in a pool is held for the boot and a minute, whatever the cure takes", async () => {
  // Two: a third one of the pool would open its breaker.
  for (const machine of drill.machines.slice(0, 2)) {
    drill.sicken([machine], "notReady");
    await drill.run(90 * SECOND);
  }
  await drill.run(LONG_ENOUGH);
  expect(drill.calls).toBe(2);
  const gaps = drill.callTimes.slice(1).map((at, i) => at - (drill.callTimes[i] ?? 0));
  for (const gap of gaps) expect(gap).toBeLessThan(drill.world.settings.bootTime + 2.5 * MINUTE);
  expect(drill.violations).toEqual([]);
});
