import { beforeEach, describe, expect, test } from "vitest";
import { DEFAULT_POLICY } from "../../../packages/shared/src/core/policy.ts";
import { HOUR, MINUTE, SECOND } from "../../../packages/shared/src/core/time.ts";
import { aNode } from "../../../packages/shared/src/testing/builders.ts";
import { onceAt } from "./intercept.ts";
import { WINDOW, World } from "./world.ts";

let world: World;
let boots: number;
beforeEach(() => {
  const { limits, storm } = DEFAULT_POLICY;
  world = new World({
    ...DEFAULT_POLICY,
    monitorOnly: false,
    blindGrace: 0,
    limits: { ...limits, nodePerDay: 99 },
    storm: { ...storm, settle: 0 },
  });
  boots = 1;
});

const verifications = () =>
  world.journal.lines.filter(({ kind }) => kind === "verified").map(({ args }) => args[1]);
const node = () => aNode().bootId(`boot-${boots}`);

/** The node fails until its reboot is due, is rebooted, and is well two minutes later. */
async function repair(): Promise<void> {
  await world.seeAndJudge(node().notReady());
  await world.watch(5 * MINUTE);
  expect(await world.run()).toMatchObject({ step: "WaitUntil", gate: "WaitWindow" });
  boots += 1;
  await world.watch(2 * MINUTE);
  await world.seeAndJudge(node());
}

test("a node that booted and fails on is still bad when its threshold is over again: its place is free, its wait is not", async () => {
  await world.seeAndJudge(node().notReady());
  await world.watch(5 * MINUTE);
  await world.run();
  boots += 1;
  await world.watch(2 * MINUTE);
  await world.seeAndJudge(node().notReady());
  await world.watch(5 * MINUTE - SECOND);
  await world.run();
  expect(verifications()).toEqual([]);
  await world.watch(SECOND);
  expect(await world.run()).toMatchObject({ step: "WaitUntil", gate: "WaitWindow" });
  expect(verifications()).toEqual(["StillBad"]);
  const { notBefore = 0, outcome } = (await world.entry()) ?? {};
  expect(outcome).toBe("StillBad");
  expect(notBefore).toBe(world.clock.now() + WINDOW - 7 * MINUTE);
});

describe("a cure", () => {
  test("frees its place after a minute, and is told after thirty, by the same pending job", async () => {
    await repair();
    expect(await world.run()).toMatchObject({ step: "WaitUntil", gate: "Verifying", for: MINUTE });
    await world.watch(MINUTE);
    expect(await world.run()).toMatchObject({ step: "WaitUntil", gate: "Verifying", for: 29 * MINUTE });
    expect(await world.entry()).toMatchObject({
      outcome: "Accepted",
      recoveredAt: expect.any(Number) as unknown,
    });
    expect(verifications()).toEqual([]);
    await world.watch(29 * MINUTE);
    expect(await world.run()).toMatchObject({ step: "Finish" });
    expect(await world.entry()).toMatchObject({ outcome: "Cured" });
    expect(verifications()).toEqual(["Cured"]);
  });

  test("that is to come holds no place: another node of the pool is rebooted after the minute", async () => {
    await repair();
    await world.watch(MINUTE);
    await world.run();
    await world.see(aNode("node-2").notReady());
    await world.judge("node-2");
    await world.watch(5 * MINUTE);
    await world.run("node-2");
    expect(world.rebooted).toHaveLength(2);
  });

  test("is not lost when the ledger cannot be written: the recovery is told later", async () => {
    await repair();
    await world.watch(MINUTE);
    const around = onceAt("ledger.read", async () => {
      throw new Error("503");
    });
    expect(await world.runWith(around)).toMatchObject({ step: "WaitUntil", gate: "Verifying" });
    expect(await world.record()).not.toHaveProperty("lastReboot.recoveredAt");
    await world.run();
    expect(await world.record()).toHaveProperty("lastReboot.recoveredAt");
    expect(await world.entry()).toHaveProperty("recoveredAt");
  });

  test("is not told of a node that failed on the fresh read", async () => {
    await repair();
    await world.watch(MINUTE);
    world.reader.set(node().notReady().resourceVersion(6000).snapshot());
    await world.run();
    expect(await world.entry()).not.toHaveProperty("recoveredAt");
  });
});

test("while nobody sees the cluster no cure is proven, and the job is in no hurry", async () => {
  await repair();
  await world.watch(MINUTE);
  await world.run();
  await world.watch(28 * MINUTE + 55 * SECOND);
  world.clock.advance(30 * MINUTE);
  expect(await world.run()).toMatchObject({ step: "WaitUntil", gate: "Verifying", for: 30 * SECOND });
  expect(verifications()).toEqual([]);
});

describe("a node that comes back for longer than its wait and fails again", () => {
  test("is rebooted maxAttempts times in one incident, each told as StillBad, and is then Failed", async () => {
    const incidents = new Set<string | undefined>();
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      await repair();
      incidents.add((await world.record())?.lastReboot?.incidentId);
      await world.watch(MINUTE);
      await world.run();
      await world.watch(15 * MINUTE);
    }
    await world.seeAndJudge(node().notReady());
    expect(await world.record()).toMatchObject({ phase: "Unhealthy", incident: { attempts: 3 } });
    await world.watch(5 * MINUTE);
    await world.run();
    expect(await world.record()).toMatchObject({ phase: "Failed", incident: { attempts: 3 } });
    expect(world.rebooted).toHaveLength(3);
    expect(incidents.size).toBe(1);
    expect(verifications()).toEqual(["StillBad", "StillBad", "StillBad"]);
    await world.watch(HOUR);
    expect(await world.run()).toMatchObject({ step: "Finish", gate: "Attempts" });
  });

  test("counts on although Redis lost its data after it had recovered", async () => {
    await repair();
    await world.watch(MINUTE);
    await world.run();
    await world.watch(15 * MINUTE);
    world.store.records.clear();
    await world.seeAndJudge(node().label("seen", "again"));
    await world.watch(MINUTE);
    await world.seeAndJudge(node().notReady());
    await world.watch(5 * MINUTE);
    await world.run();
    expect(world.rebooted).toHaveLength(2);
    expect(await world.record()).toMatchObject({ lastReboot: { number: 2 } });
  });
});
