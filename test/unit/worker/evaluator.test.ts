import { beforeEach, describe, expect, test } from "vitest";
import { MINUTE, SECOND } from "../../../packages/shared/src/core/time.ts";
import { shardOf } from "../../../packages/shared/src/contract/keys.ts";
import { aNode } from "../../../packages/shared/src/testing/builders.ts";
import { intercept } from "./intercept.ts";
import { World } from "./world.ts";

let world: World;
beforeEach(async () => {
  world = new World();
  await world.store.beat(0);
});

const SHARD = shardOf("node-1");
const namesOf = (shard: number, count: number): string[] =>
  Array.from({ length: 2000 }, (_, i) => `node-${i}`)
    .filter((name) => shardOf(name) === shard)
    .slice(0, count);

describe("judging a shard", () => {
  test("judges every node that waits, chunk by chunk, once", async () => {
    const names = namesOf(SHARD, 25);
    for (const name of names) await world.see(aNode(name));
    expect(await world.evaluator({ chunk: 4 }).run(SHARD)).toBe(25);
    expect(world.journal.count("judged")).toBe(25);
    expect(await world.evaluator().run(SHARD)).toBe(0);
  });

  test("leaves other shards alone", async () => {
    await world.see(aNode());
    expect(await world.evaluator().run((SHARD + 1) % 16)).toBe(0);
    expect(await world.judge()).toBe(1);
  });

  test("a judgement that changes nothing writes nothing", async () => {
    await world.seeAndJudge(aNode());
    await world.seeAndJudge(aNode().notReady());
    const before = await world.store.get("node-1");
    for (let i = 0; i < 3; i += 1) {
      await world.store.markAttention();
      await world.judge();
    }
    expect((await world.store.get("node-1")).version).toBe(before.version);
  });

  test("an aborted run stops between chunks and leaves the rest to another worker", async () => {
    const stopping = new AbortController();
    for (const name of namesOf(SHARD, 10)) await world.see(aNode(name));
    const store = intercept("store", world.store, async (point, call) => {
      const value = await call();
      if (point === "store.commit") stopping.abort();
      return value;
    });
    expect(await world.evaluator({ store, chunk: 3 }).run(SHARD, stopping.signal)).toBe(3);
    expect(await world.judge()).toBe(7);
  });

  test("a node that changes while it is judged is judged again in the same run", async () => {
    await world.see(aNode());
    let changed = false;
    const store = intercept("store", world.store, async (point, call) => {
      if (point === "store.commit" && !changed) {
        changed = true;
        await world.see(aNode().notReady());
      }
      return call();
    });
    await world.evaluator({ store }).run(SHARD);
    expect((await world.record())?.phase).toBe("Unhealthy");
    expect(await world.judge()).toBe(0);
  });

  test("a chunk that is refused again and again does not spin", async () => {
    await world.see(aNode());
    let commits = 0;
    const store = intercept("store", world.store, async (point, call) => {
      if (point !== "store.commit") return call();
      commits += 1;
      return new Set(["node-1"]);
    });
    expect(await world.evaluator({ store }).run(SHARD)).toBe(0);
    expect(commits).toBe(3);
    expect(world.journal.count("judged")).toBe(0);
    expect(await world.judge()).toBe(1);
  });

  test("a failure of Redis is thrown and loses nothing", async () => {
    await world.see(aNode());
    const store = intercept("store", world.store, async (point, call) => {
      if (point === "store.commit") throw new Error("READONLY");
      return call();
    });
    await expect(world.evaluator({ store }).run(SHARD)).rejects.toThrow("READONLY");
    expect(await world.judge()).toBe(1);
  });

  test("a node whose judgement throws holds back no other node", async () => {
    const bad = namesOf(SHARD, 8);
    const good = namesOf(SHARD, 12).slice(8);
    for (const name of [...bad, ...good]) await world.see(aNode(name));
    const rules = {
      ...world.rules,
      checkers: world.rules.checkers.map((checker) => ({
        ...checker,
        check: (...args: Parameters<typeof checker.check>) => {
          if (bad.includes(args[0].name)) throw new Error("a checker with a bug");
          return checker.check(...args);
        },
      })),
    };
    await world.evaluator({ rules, chunk: 2 }).run(SHARD);
    for (const name of good) expect((await world.record(name))?.phase).toBe("Healthy");
    expect(world.journal.count("fault")).toBe(8);
    expect(world.store.dirty).toEqual(new Set(bad));
  });
});

describe("the pending reboot", () => {
  test("exists from the moment a node turns Unhealthy", async () => {
    await world.seeAndJudge(aNode());
    expect(world.queues.reboots.size).toBe(0);
    await world.seeAndJudge(aNode().notReady());
    expect([...world.queues.reboots.keys()]).toEqual(["node-1"]);
  });

  test("is woken on recovery", async () => {
    await world.seeAndJudge(aNode());
    await world.seeAndJudge(aNode().notReady());
    world.queues.reboots.set("node-1", world.clock.now() + MINUTE);
    await world.seeAndJudge(aNode());
    expect(world.queues.takeDue()).toEqual(["node-1"]);
  });

  test("is made again by the next judgement when it was lost", async () => {
    await world.seeAndJudge(aNode());
    await world.seeAndJudge(aNode().notReady());
    world.queues.reboots.clear();
    await world.store.markAttention();
    await world.judge();
    expect([...world.queues.reboots.keys()]).toEqual(["node-1"]);
  });

  test("is not made for a judgement that was refused", async () => {
    await world.seeAndJudge(aNode());
    await world.see(aNode().notReady());
    const store = intercept("store", world.store, async (point, call) =>
      point === "store.commit" ? new Set(["node-1"]) : call(),
    );
    await world.evaluator({ store }).run(SHARD);
    expect(world.queues.reboots.size).toBe(0);
  });

  test("of a node that is gone is woken, and its record is deleted", async () => {
    await world.seeAndJudge(aNode());
    await world.seeAndJudge(aNode().notReady());
    world.queues.reboots.set("node-1", world.clock.now() + MINUTE);
    await world.store.forget("node-1", await world.store.version("node-1"));
    await world.judge();
    expect(await world.record()).toBeUndefined();
    expect(world.queues.takeDue()).toEqual(["node-1"]);
  });
});

describe("damage in the store", () => {
  test("an unreadable snapshot is discarded, the record stays, the next resync publishes it anew", async () => {
    await world.seeAndJudge(aNode());
    await world.see(aNode().notReady());
    world.store.snapshots.set("node-1", "damage");
    await world.judge();
    expect((await world.record())?.phase).toBe("Healthy");
    expect(await world.store.version("node-1")).toBeUndefined();
    expect(world.journal.count("fault")).toBe(1);
    await world.seeAndJudge(aNode().notReady());
    expect((await world.record())?.phase).toBe("Unhealthy");
  });

  test("a lost snapshot is published anew too: its version is taken back", async () => {
    await world.seeAndJudge(aNode());
    await world.see(aNode().notReady());
    world.store.snapshots.clear();
    await world.judge();
    expect(await world.store.version("node-1")).toBeUndefined();
    expect((await world.record())?.phase).toBe("Healthy");
  });

  test("a dirty mark of a name that nobody knows is cleared and makes nothing", async () => {
    world.store.dirty.add("node-1");
    await world.judge();
    expect(world.store.dirty.size).toBe(0);
    expect(world.store.records.size).toBe(0);
  });

  test("a damaged record starts the longest wait there is, and never leads to a reboot within it", async () => {
    await world.due();
    await world.run();
    world.store.records.set("node-1", { version: 99, json: "damage" });
    await world.see(aNode().notReady("again"));
    await world.judge();
    expect(await world.record()).toMatchObject({
      lastReboot: { outcome: "Unknown", waitUntil: world.clock.now() + 40 * MINUTE },
    });
    for (let minute = 0; minute < 39; minute += 1) {
      await world.watch(MINUTE);
      await world.store.markAttention();
      await world.judge();
      await world.run();
    }
    expect(world.executor.calls).toHaveLength(1);
    await world.watch(20 * MINUTE + SECOND);
    await world.judge();
    await world.run();
    expect(world.executor.calls).toHaveLength(2);
  });
});
