import { beforeEach, describe, expect, test } from "vitest";
import { DEFAULT_POLICY } from "../../../packages/shared/src/core/policy.ts";
import { MINUTE, SECOND } from "../../../packages/shared/src/core/time.ts";
import { aNode } from "../../../packages/shared/src/testing/builders.ts";
import { WINDOW, World } from "./world.ts";

let world: World;
beforeEach(async () => {
  world = new World({ ...DEFAULT_POLICY, monitorOnly: false, blindGrace: 0, maxAttempts: 1 });
  await world.due();
});

/** One call whose answer says nothing, and its whole wait. */
async function callInVain(): Promise<void> {
  world.executor.onReboot = () => ({ outcome: "Unknown", detail: "HTTP 500" });
  await world.run();
  await world.watch(WINDOW);
}

describe("an attempt that proves not to have been carried out", () => {
  test("is given back, in the record and in the ledger: the node is not given up for it", async () => {
    await callInVain();
    await world.run();
    expect(await world.entry()).toMatchObject({ attempt: 1 });
    const calls = world.executor.calls.length;
    expect(calls).toBe(2);
    expect(await world.record()).toMatchObject({ incident: { attempts: 1 }, lastReboot: { number: 1 } });
    expect(world.journal.lines.filter(({ kind }) => kind === "verified").map(({ args }) => args[1])).toEqual([
      "NotExecuted",
    ]);
  });

  test("shortens no wait, and ends at the limit of a day: a cloud that never carries out is not called for ever", async () => {
    const made: number[] = [];
    for (let i = 0; i < 20; i += 1) {
      const before = world.executor.calls.length;
      await callInVain();
      if (world.executor.calls.length > before) made.push(world.executor.calls.at(-1)?.at ?? 0);
    }
    expect(made).toHaveLength(DEFAULT_POLICY.limits.nodePerDay);
    const gaps = made.slice(1).map((at, i) => at - (made[i] ?? 0));
    for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual(10 * MINUTE);
  });

  test("is not counted by a record that Redis lost and the ledger brings back", async () => {
    await callInVain();
    world.executor.onResolve = () => ({ ok: false, failure: "Unavailable", detail: "away" });
    await world.run();
    expect(await world.entry()).toMatchObject({ outcome: "NotExecuted", attempt: 0 });
    world.flushRedis();
    await world.seeAndJudge(aNode().notReady());
    await world.watch(5 * MINUTE + SECOND);
    await world.run();
    expect(await world.record()).toMatchObject({ phase: "Unhealthy", incident: { attempts: 0 } });
  });

  test("brings a node back that was given up before the result was known", async () => {
    await callInVain();
    await world.seeAndJudge(aNode().notReady().pool("other"));
    expect((await world.record())?.phase).toBe("Failed");
    await world.run();
    expect(world.executor.calls).toHaveLength(2);
  });
});

test("a kubelet that is silent proves nothing: the attempt counts, and the node is given up", async () => {
  await world.seeAndJudge(aNode().unknown());
  await callInVain();
  expect(await world.run()).toMatchObject({ step: "Finish", gate: "Attempts" });
  expect(await world.entry()).toMatchObject({ outcome: "StillBad", attempt: 1 });
  expect(await world.record()).toMatchObject({ phase: "Failed", incident: { attempts: 1 } });
});
