/**
 * Diskerase (Google): a tool was restarted with the empty set, took it for everything, and wiped a whole network. Every
 * way in which the agent can be shown no nodes at all.
 */
import { afterEach, describe, expect, test } from "vitest";
import { MINUTE } from "@node-agent/shared/core/time.ts";
import { Drill, LONG_ENOUGH, type DrillOptions } from "./drills.ts";

let drill: Drill;
afterEach(() => {
  drill.end();
});

async function aFleet(options: Partial<DrillOptions> = {}): Promise<Drill> {
  drill = new Drill({ nodes: 30, ...options });
  await drill.start();
  return drill;
}

/** Sick nodes of different pools. */
function someOf(count: number) {
  return drill.machines.filter((_, i) => i % 3 === 0).slice(0, count);
}

/** Lets enough time pass for everything that is due, and for what follows from it. */
async function wait(): Promise<void> {
  await drill.run(LONG_ENOUGH);
}

describe("a selector", () => {
  test("that matches nothing from the start: nothing is looked at, and nothing rebooted", async () => {
    await aFleet({ pools: ["no-such-pool"] });
    drill.sicken(drill.machines, "notReady");
    await wait();
    expect(drill.calls).toBe(0);
    expect(drill.world.store.records.size).toBe(0);
  });

  test("that matches nothing any more, while a reboot is pending: no call; once it matches again, one", async () => {
    await aFleet();
    const { world } = drill;
    drill.sicken(someOf(1), "notReady");
    await drill.run(3 * MINUTE);
    expect(world.queues.jobs.size).toBe(1);
    world.selects = () => false;
    await wait();
    expect(drill.calls).toBe(0);
    world.selects = () => true;
    await wait();
    expect(drill.calls).toBe(1);
    expect(drill.violations).toEqual([]);
  });
});

describe("an API server that lists no node, and reads each as ever", () => {
  test("nothing is forgotten, and nothing is rebooted for being gone", async () => {
    await aFleet();
    const { world } = drill;
    world.listsNothing = true;
    await wait();
    expect(world.store.records.size).toBe(30);
    expect(drill.calls).toBe(0);
  });

  test("while most nodes are sick: no call, as nobody can tell that it is no storm; nor when it lists them again", async () => {
    await aFleet();
    const { world } = drill;
    drill.sicken(someOf(10), "notReady");
    await drill.run(3 * MINUTE);
    world.listsNothing = true;
    await wait();
    expect(drill.calls).toBe(0);
    world.listsNothing = false;
    await wait();
    expect(drill.calls).toBe(0);
  });

  test("while one node is sick: when it lists them again, that one is rebooted once at most, and no other", async () => {
    await aFleet();
    const { world } = drill;
    const sick = someOf(1);
    drill.sicken(sick, "notReady");
    await drill.run(3 * MINUTE);
    world.listsNothing = true;
    await wait();
    world.listsNothing = false;
    await wait();
    expect(world.truth.executions.map(({ node }) => node)).toEqual(sick.map(({ name }) => name));
    expect(drill.violations).toEqual([]);
  });
});
