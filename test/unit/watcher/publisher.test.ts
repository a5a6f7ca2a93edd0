import { beforeEach, describe, expect, test } from "vitest";
import type { NodeSnapshot } from "../../../packages/shared/src/core/node.ts";
import { HOUR, MINUTE, SECOND } from "../../../packages/shared/src/core/time.ts";
import { momentOf } from "../../../packages/shared/src/ports/clock.ts";
import { aNode } from "../../../packages/shared/src/testing/builders.ts";
import { MemoryNodeSource } from "../../../packages/shared/src/testing/memory-node-source.ts";
import { createPublisher, viewAge } from "../../../packages/watcher/src/publisher.ts";
import { shardsOf, WatcherWorld } from "./watcher-world.ts";

let world: WatcherWorld;
beforeEach(() => {
  world = new WatcherWorld();
  world.start();
});

const page = (from: number, count: number): NodeSnapshot[] =>
  Array.from({ length: count }, (_, i) => aNode(`node-${from + i}`).snapshot());
/** The publisher of a source that has not listed every node yet. */
const first = () => createPublisher({ ...world.deps, source: new MemoryNodeSource(world.clock) });
const settled = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const node = aNode().resourceVersion(10).snapshot();
const seen = async () => {
  world.reader.set(node);
  await world.source.set(node);
  await world.judged();
};

describe("a change", () => {
  test("is stored and wakes a worker for its shard", async () => {
    await world.source.set(node);
    expect(await world.waiting()).toEqual(["node-1"]);
    expect(world.queues.takeWoken()).toEqual(shardsOf("node-1"));
  });

  test("that says nothing new wakes nobody", async () => {
    await seen();
    await world.source.set(aNode().resourceVersion(11).heartbeatAt(9e12).snapshot());
    expect(world.queues.takeWoken()).toEqual([]);
    expect(await world.waiting()).toEqual([]);
  });

  test("is told as news or as known", async () => {
    const told: string[] = [];
    const onPublished = (result: string, count: number): void => void told.push(`${result} ${count}`);
    const publisher = createPublisher({ ...world.deps, onPublished });
    await publisher.changed([node, aNode("node-2").snapshot()]);
    await world.judged();
    await publisher.changed([node]);
    expect(told).toEqual(["Accepted 2", "Known 0", "Accepted 0", "Known 1"]);
  });

  test("moves the observation clock before the failure it brings is stored", async () => {
    await world.source.set(node);
    world.clock.advance(20 * SECOND);
    await world.source.set(aNode().resourceVersion(11).notReady().snapshot());
    expect((await world.store.view()).observed).toBe(20 * SECOND);
  });

  test("sends the beat first and the publication without waiting for its answer", async () => {
    const { promise: answer, resolve } = Promise.withResolvers<void>();
    const sent: string[] = [];
    const { store } = world;
    const slow = Object.assign(Object.create(store) as typeof store, {
      beat: async (age: number) => {
        sent.push("beat");
        await answer;
        return store.beat(age);
      },
      publish: async (batch: Parameters<typeof store.publish>[0]) => {
        sent.push("publish");
        return store.publish(batch);
      },
    });
    const done = createPublisher({ ...world.deps, store: slow }).changed([node]);
    expect(sent).toEqual(["beat", "publish"]);
    await Promise.resolve();
    expect(world.queues.takeWoken()).toEqual([]);
    resolve();
    await done;
    expect(world.queues.takeWoken()).toEqual(shardsOf("node-1"));
  });

  const lost = {
    "the answer to the beat": { store: "beat" },
    "the answer to the publication": { store: "publish" },
    "the wake-up": { queues: "wakeShards" },
  } as const;

  test.each(Object.entries(lost))("of which %s was lost wakes its shard when told again", async (_, what) => {
    let isDown = true;
    const failing = <Part extends object>(part: Part, method: string | undefined): Part =>
      new Proxy(part, {
        get: (target, name) => {
          const member: unknown = Reflect.get(target, name);
          if (typeof member !== "function") return member;
          return async (...args: unknown[]): Promise<unknown> => {
            const isLost = isDown && name === method;
            // What was asked is done; only a wake-up never got there.
            const done: unknown =
              isLost && name === "wakeShards" ? undefined : await member.apply(target, args);
            if (isLost) throw new Error("connection lost");
            return done;
          };
        },
      });
    const publisher = createPublisher({
      ...world.deps,
      store: failing(world.store, "store" in what ? what.store : undefined),
      queues: failing(world.queues, "queues" in what ? what.queues : undefined),
    });
    await expect(publisher.changed([node])).rejects.toThrow("connection lost");
    world.queues.takeWoken();
    isDown = false;
    await publisher.changed([aNode("node-2").snapshot()]);
    expect(new Set(world.queues.takeWoken())).toEqual(new Set(shardsOf("node-1", "node-2")));
    await publisher.changed([node]);
    expect(world.queues.takeWoken()).toEqual([]);
  });

  test("before the first complete list vouches for nothing", async () => {
    const source = {
      start: () => {},
      stop: async () => {},
      nodes: () => new Map(),
      serverVersion: async () => ({ version: "1", viewIsAhead: false }),
      freshness: () => ({ phase: "Listing", synced: false, lastByte: momentOf(world.clock) }) as const,
    };
    await createPublisher({ ...world.deps, source }).changed([node]);
    expect((await world.store.view()).age).toBeUndefined();
    expect(await world.waiting()).toEqual(["node-1"]);
  });

  describe("that is a page of the first list", () => {
    test("is stored at once, and wakes workers together with those that follow", async () => {
      const publisher = first();
      await publisher.changed(page(0, 500));
      expect(await world.waiting()).toHaveLength(500);
      expect(world.queues.takeWoken()).toEqual([]);
      await publisher.changed(page(500, 20));
      expect(world.queues.takeWoken()).toHaveLength(16);
    });

    test("wakes them soon, if none follows", async () => {
      await first().changed(page(0, 500));
      world.clock.advance(2 * SECOND);
      await settled();
      expect(world.queues.takeWoken()).toHaveLength(16);
    });

    test("does not wait when the fleet is small", async () => {
      await first().changed(page(0, 100));
      expect(world.queues.takeWoken()).toHaveLength(16);
    });
  });

  test("while Redis is away is thrown at the source, which counts it", async () => {
    const store = Object.assign(Object.create(world.store) as typeof world.store, {
      beat: async () => {
        throw new Error("connection lost");
      },
    });
    await expect(createPublisher({ ...world.deps, store }).changed([node])).rejects.toThrow(
      "connection lost",
    );
  });
});

describe("a node that left the view", () => {
  test("and does not exist any more is forgotten", async () => {
    await seen();
    world.reader.nodes.clear();
    await world.source.remove("node-1");
    expect(await world.store.version("node-1")).toMatchObject({ gone: true });
    expect(world.queues.takeWoken()).toEqual(shardsOf("node-1"));
  });

  test("and exists all the same is kept as it is now", async () => {
    await seen();
    world.reader.set(aNode().resourceVersion(12).notReady().snapshot());
    await world.source.remove("node-1");
    expect(await world.store.version("node-1")).toMatchObject({ gone: false, resourceVersion: "12" });
    expect(await world.waiting()).toEqual(["node-1"]);
  });

  test("and is none of ours any more is forgotten", async () => {
    await seen();
    world.reader.set(aNode().resourceVersion(12).pool("another").snapshot());
    await world.source.remove("node-1");
    expect(await world.store.version("node-1")).toMatchObject({ gone: true });
  });

  test("and cannot be read keeps everything that is stored of it", async () => {
    await seen();
    world.reader.fault = new Error("503");
    await expect(world.source.remove("node-1")).rejects.toThrow("503");
    expect(await world.store.version("node-1")).toMatchObject({ gone: false, resourceVersion: "10" });
    expect(await world.waiting()).toEqual([]);
  });

  test("and was published by another watcher meanwhile is not forgotten", async () => {
    await seen();
    const reader = {
      read: async () => {
        const back = aNode().uid("uid-2").resourceVersion(20).snapshot();
        await world.store.publish([{ snapshot: back, fingerprint: "new" }]);
        return { found: false } as const;
      },
    };
    await createPublisher({ ...world.deps, reader }).disappeared("node-1");
    expect(await world.store.version("node-1")).toMatchObject({ gone: false, uid: "uid-2" });
  });
});

describe("the age of a view", () => {
  test("counts from the last byte, and there is none before the first list", () => {
    const { clock } = world;
    const lastByte = momentOf(clock);
    clock.advance(5);
    expect(viewAge({ phase: "Watching", synced: true, lastByte }, clock)).toBe(5);
    expect(viewAge({ phase: "Listing", synced: false, lastByte }, clock)).toBeUndefined();
    expect(viewAge({ phase: "Watching", synced: true }, clock)).toBeUndefined();
  });

  test("does not shrink when the wall clock is set back, and grows while the machine is suspended", () => {
    const { clock } = world;
    const lastByte = momentOf(clock);
    clock.advance(5 * SECOND);
    clock.jump(-HOUR);
    expect(viewAge({ phase: "Watching", synced: true, lastByte }, clock)).toBe(5 * SECOND);
    clock.jump(HOUR);
    clock.suspend(MINUTE);
    expect(viewAge({ phase: "Watching", synced: true, lastByte }, clock)).toBe(MINUTE + 5 * SECOND);
  });
});
