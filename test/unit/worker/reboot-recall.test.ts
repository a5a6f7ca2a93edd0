import { expect, test } from "vitest";
import { MINUTE, SECOND } from "../../../packages/shared/src/core/time.ts";
import { aNode } from "../../../packages/shared/src/testing/builders.ts";
import { World, WINDOW } from "./world.ts";

test("attempts are not forgotten when Redis loses everything after each of them", async () => {
  const world = new World();
  await world.due();
  for (let flush = 0; flush < 8; flush += 1) {
    const booted = aNode()
      .notReady()
      .bootId(`boot-${flush + 2}`);
    await world.run();
    await world.seeAndJudge(booted);
    await world.watch(WINDOW);
    await world.run();
    world.flushRedis();
    await world.seeAndJudge(booted);
    await world.watch(5 * MINUTE + SECOND);
  }
  expect(await world.run()).toMatchObject({ step: "Finish", gate: "Attempts" });
  const { maxAttempts } = world.rules.policy;
  expect(world.rebooted).toHaveLength(maxAttempts);
  expect(await world.record()).toMatchObject({ phase: "Failed", incident: { attempts: maxAttempts } });
  expect(world.journal.count("recalled")).toBeGreaterThan(0);
});

test("what a reboot came to is told although Redis lost it meanwhile", async () => {
  const world = new World();
  await world.due();
  await world.run();
  world.flushRedis();
  await world.seeAndJudge(aNode().notReady().bootId("boot-2"));
  await world.watch(5 * MINUTE);
  expect(await world.run()).toMatchObject({ step: "WaitUntil", gate: "WaitWindow" });
  await world.seeAndJudge(aNode().bootId("boot-2"));
  await world.run();
  expect(await world.entry()).toMatchObject({ outcome: "Cured" });
});
