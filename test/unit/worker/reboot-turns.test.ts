import { beforeEach, describe, expect, test } from "vitest";
import { DEFAULT_POLICY } from "../../../packages/shared/src/core/policy.ts";
import { MINUTE } from "../../../packages/shared/src/core/time.ts";
import { aNode } from "../../../packages/shared/src/testing/builders.ts";
import { World } from "./world.ts";

let world: World;
const node = (name: string) => aNode(name).pool("p");

/** Three nodes of one pool, sick one after the other, all due; one of them may be rebooted at a time. */
beforeEach(async () => {
  const { storm } = DEFAULT_POLICY;
  const budgets = { ...storm.budgets, spacing: 0 };
  world = new World({
    ...DEFAULT_POLICY,
    monitorOnly: false,
    blindGrace: 0,
    storm: { ...storm, curedAfter: 0, settle: 0, unhealthyPercent: 100, budgets },
  });
  for (let i = 0; i < 40; i += 1) world.reader.set(node(`well-${i}`).snapshot());
  await world.store.beat(0);
  for (const name of ["old", "middle", "young"]) {
    await world.seeAndJudge(node(name));
    await world.seeAndJudge(node(name).notReady());
    await world.watch(MINUTE);
  }
  await world.watch(5 * MINUTE);
});

/** The first one is rebooted and cured; nobody else looked meanwhile. */
async function cure(name: string): Promise<void> {
  await world.watch(2 * MINUTE);
  await world.seeAndJudge(node(name).bootId("boot-2"));
  world.queues.takeDue();
  await world.run(name);
}

describe("room in a budget", () => {
  test("goes to the node that has waited longest, whoever looks first", async () => {
    await world.run("middle");
    expect(await world.run("young")).toMatchObject({ gate: "Budget", why: expect.stringContaining("Pool") });
    expect(await world.run("old")).toMatchObject({ gate: "Budget" });
    await cure("middle");
    expect(world.queues.takeDue()).toEqual(["old"]);
    expect(await world.run("young")).toMatchObject({
      end: "Wait",
      gate: "Budget",
      why: "Turn: old has waited for longer",
    });
    await world.run("old");
    expect(world.rebooted).toEqual(["middle", "old"]);
  });

  test("wakes the next one when whoever stood first needs it no more", async () => {
    await world.run("middle");
    await world.run("old");
    await world.run("young");
    await world.seeAndJudge(node("old"));
    world.queues.takeDue();
    await world.run("old");
    expect(world.queues.takeDue()).toEqual(["young"]);
    expect(world.line.held.has("old")).toBe(false);
  });

  test("is not kept for somebody who does not look again", async () => {
    await world.run("middle");
    await world.run("old");
    await cure("middle");
    await world.watch(15 * MINUTE);
    await world.run("young");
    expect(world.rebooted).toEqual(["middle", "young"]);
  });

  test("is not kept for somebody who was never there: the place is asked after, and given up", async () => {
    const forged = { node: "nobody", since: 0, budget: "Pool", pool: "p", until: 8e15 } as const;
    await world.line.join(forged);
    expect(await world.run("old")).toMatchObject({ why: "Turn: nobody has waited for longer" });
    expect(world.queues.takeDue()).toContain("nobody");
    await world.run("nobody");
    expect(world.queues.takeDue()).toEqual(["old"]);
    await world.run("old");
    expect(world.rebooted).toEqual(["old"]);
  });

  test("that the woken one cannot use goes to somebody who can", async () => {
    const cluster = { budget: "Cluster", until: 8e15 } as const;
    await world.run("middle");
    await world.line.join({ node: "elsewhere", since: 8e15, ...cluster });
    await world.line.join({ node: "young", since: 0, ...cluster, pool: "p" });
    expect(await world.run("young")).toMatchObject({ why: expect.stringContaining("Pool") });
    expect(world.queues.takeDue()).toContain("elsewhere");
  });

  test("that a call which was not made had reserved wakes the next one", async () => {
    await world.run("middle");
    await world.run("young");
    await cure("middle");
    world.queues.takeDue();
    world.executor.onReboot = () => ({ outcome: "NotSent", detail: "ECONNREFUSED" });
    await world.run("old");
    expect(world.queues.takeDue()).toContain("young");
  });

  test("is given by chance while the line cannot be read, and nothing breaks", async () => {
    world.line.places = async () => {
      throw new Error("LOADING Redis is loading the dataset in memory");
    };
    await world.run("middle");
    expect(world.rebooted).toEqual(["middle"]);
    expect(world.turnFaults.length).toBeGreaterThan(0);
  });
});
