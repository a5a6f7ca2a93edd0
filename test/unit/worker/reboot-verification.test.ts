import { beforeEach, describe, expect, test } from "vitest";
import { MINUTE, SECOND } from "../../../packages/shared/src/core/time.ts";
import { shardOf } from "../../../packages/shared/src/contract/keys.ts";
import { aNode } from "../../../packages/shared/src/testing/builders.ts";
import { onceAt, type Around } from "./intercept.ts";
import { WINDOW, World } from "./world.ts";

let world: World;
beforeEach(() => {
  world = new World();
});

const cured = async () => world.seeAndJudge(aNode().bootId("boot-2"));

describe("what the reboot came to", () => {
  test("is told to the ledger once it is known, and once", async () => {
    await world.due();
    await world.run();
    await world.watch(3 * MINUTE);
    await cured();
    expect(await world.run()).toMatchObject({ step: "Finish", gate: "NothingFailing" });
    expect(await world.entry()).toMatchObject({ outcome: "Cured" });
    await world.run();
    const verified = world.journal.lines.filter(({ kind }) => kind === "verified");
    expect(verified.map(({ args }) => args[1])).toEqual(["Cured"]);
  });

  test.each([
    ["StillBad", aNode().notReady().bootId("boot-2")],
    ["NotExecuted", aNode().notReady()],
  ])("%s is told before the next attempt", async (verdict, node) => {
    await world.due();
    await world.run();
    await world.seeAndJudge(node);
    await world.watch(WINDOW);
    let before: unknown;
    world.executor.onReboot = async () => {
      before = world.journal.lines.filter(({ kind }) => kind === "verified").map(({ args }) => args[1]);
      return { outcome: "Accepted", detail: "202" };
    };
    await world.run();
    expect(before).toEqual([verdict]);
    expect(world.rebooted).toHaveLength(2);
  });

  test.each<[string, Around]>([
    [
      "cannot be read",
      onceAt("ledger.read", async () => {
        throw new Error("503");
      }),
    ],
    ["is missing", onceAt("ledger.read", async () => ({ state: "Missing", why: "gone" }))],
    ["refuses", onceAt("ledger.compareAndWrite", async () => ({ outcome: "Refused", why: "403" }))],
  ])("is not lost when the ledger %s: the job stays, and tells it later", async (_, around) => {
    await world.due();
    await world.run();
    await world.watch(MINUTE);
    await cured();
    expect(await world.runWith(around)).toMatchObject({ step: "WaitUntil", gate: "Verifying" });
    expect(world.journal.count("verified")).toBe(0);
    expect(await world.run()).toMatchObject({ step: "Finish" });
    expect(await world.entry()).toMatchObject({ outcome: "Cured" });
    expect(world.journal.count("verified")).toBe(1);
  });

  test("is not told while the call may be on its way: the job stays until it can be", async () => {
    await world.due();
    await world.run();
    await cured();
    await world.watch(15 * SECOND);
    expect(await world.run()).toMatchObject({ step: "WaitUntil", gate: "Verifying", for: 40 * SECOND });
    expect(await world.entry()).toMatchObject({ outcome: "Accepted" });
    await world.watch(40 * SECOND);
    expect(await world.run()).toMatchObject({ step: "Finish" });
    expect(await world.entry()).toMatchObject({ outcome: "Cured" });
  });

  test("is told although somebody else wrote the record at that moment", async () => {
    await world.due();
    await world.run();
    await world.watch(3 * MINUTE);
    await cured();
    const around = onceAt("store.compareAndSet", async () => {
      await world.seeAndJudge(aNode().bootId("boot-2").label("changed", "meanwhile"));
      return false;
    });
    expect(await world.runWith(around)).toMatchObject({ step: "Finish" });
    expect(world.journal.count("verified")).toBe(1);
    expect(await world.record()).toMatchObject({ lastReboot: { verification: "Cured" } });
  });

  test("is told by a job that comes back when it was deleted before it could tell", async () => {
    await world.due();
    await world.run();
    await cured();
    world.queues.takeDue();
    await world.watch(MINUTE);
    await world.store.markAttention();
    await world.judge();
    expect(world.queues.takeDue()).toEqual(["node-1"]);
    expect(await world.run()).toMatchObject({ step: "Finish" });
    expect(await world.entry()).toMatchObject({ outcome: "Cured" });
  });

  test("of a node that is gone is Gone, in the ledger too, and its window stays", async () => {
    await world.due();
    await world.run();
    const before = await world.entry();
    await world.store.forget("node-1", (await world.store.versions(shardOf("node-1"))).get("node-1"));
    world.reader.nodes.delete("node-1");
    await world.judge();
    expect(await world.run()).toMatchObject({ step: "Finish" });
    expect(await world.entry()).toMatchObject({ outcome: "Gone", notBefore: before?.notBefore });
    expect(world.journal.count("verified")).toBe(1);
    await world.watch(WINDOW);
    await world.judge();
    expect(world.journal.count("verified")).toBe(1);
  });

  test("is told of the node as it is, not as Redis says", async () => {
    await world.due();
    await world.run();
    await world.watch(MINUTE);
    await cured();
    world.reader.set(aNode().bootId("boot-2").notReady().resourceVersion(6000).snapshot());
    await world.run();
    expect(await world.entry()).toMatchObject({ outcome: "Accepted" });
  });

  test("is Gone when the node is, and its record too", async () => {
    await world.due();
    await world.run();
    await world.watch(WINDOW);
    await world.store.forget("node-1", (await world.store.versions(shardOf("node-1"))).get("node-1"));
    await world.judge();
    expect(await world.record()).toBeUndefined();
    const verified = world.journal.lines.filter(({ kind }) => kind === "verified");
    expect(verified.map(({ args }) => args[1])).toEqual(["Gone"]);
  });
});
