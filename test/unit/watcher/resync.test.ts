import { beforeEach, describe, expect, test } from "vitest";
import { aNode } from "../../../packages/shared/src/testing/builders.ts";
import { shardOf } from "../../../packages/shared/src/contract/keys.ts";
import { resync } from "../../../packages/watcher/src/resync.ts";
import { recordOf, shardsOf, WatcherWorld } from "./watcher-world.ts";

let world: WatcherWorld;
beforeEach(() => {
  world = new WatcherWorld();
});

const fleet = (count: number) =>
  Array.from({ length: count }, (_, i) =>
    aNode(`node-${i}`)
      .resourceVersion(100 + i)
      .snapshot(),
  );

describe("a resync", () => {
  test("of a fleet that is stored and healthy does nothing", async () => {
    world.place(...fleet(30));
    await resync(world.deps);
    await world.judged();
    expect(await resync(world.deps)).toEqual({ published: 0, doubted: 0, verified: 0, left: 0 });
    expect(world.queues.takeWoken()).toEqual([]);
    expect(world.reader.reads).toEqual([]);
  });

  test("publishes everything that a flushed store does not know", async () => {
    world.place(...fleet(30));
    expect(await resync(world.deps)).toMatchObject({ published: 30 });
    expect(await world.waiting()).toHaveLength(30);
    expect(world.queues.takeWoken()).toHaveLength(shardsOf(...fleet(30).map(({ name }) => name)).length);
  });

  test("publishes a change whose event was lost", async () => {
    world.place(...fleet(3));
    await resync(world.deps);
    await world.judged();
    world.place(aNode("node-1").resourceVersion(500).notReady().snapshot());
    expect(await resync(world.deps)).toMatchObject({ published: 1 });
    expect(await world.waiting()).toEqual(["node-1"]);
  });

  test("has every node that is not Healthy judged again: a dead node sends no events", async () => {
    world.place(...fleet(3));
    await resync(world.deps);
    await world.judged("Unhealthy");
    await resync(world.deps);
    expect(await world.waiting()).toEqual(["node-0", "node-1", "node-2"]);
    expect(world.queues.takeWoken().toSorted((a, b) => a - b)).toEqual(
      shardsOf("node-0", "node-1", "node-2").toSorted((a, b) => a - b),
    );
  });

  test("wakes shards with old work: a wake-up may have been lost", async () => {
    world.place(...fleet(1));
    await resync(world.deps);
    world.queues.takeWoken();
    await resync(world.deps);
    expect(world.queues.takeWoken()).toEqual(shardsOf("node-0"));
  });

  test("publishes what was discarded as unreadable", async () => {
    world.place(...fleet(2));
    await resync(world.deps);
    await world.judged();
    world.store.newest.delete("node-1");
    expect(await resync(world.deps)).toMatchObject({ published: 1 });
  });

  test("publishes a node that the store believes gone and that is seen", async () => {
    world.place(...fleet(1));
    await resync(world.deps);
    await world.store.forget("node-0", await world.store.version("node-0"));
    expect(await resync(world.deps)).toMatchObject({ published: 1 });
    expect(await world.store.version("node-0")).toMatchObject({ gone: false });
  });
});

describe("a stored version that claims to be newer than what is seen", () => {
  const newer = aNode().resourceVersion(2000).notReady().snapshot();
  const older = aNode().resourceVersion(1000).snapshot();
  const stored = async () => {
    await world.store.publish([{ snapshot: newer, fingerprint: world.deps.fingerprint(newer) }]);
    await world.judged();
  };

  test("wins against a watcher that lags behind", async () => {
    await stored();
    world.source.place(older);
    world.reader.set(newer);
    expect(await resync(world.deps)).toMatchObject({ published: 0, doubted: 1, verified: 1, left: 0 });
    expect((await world.store.version("node-1"))?.resourceVersion).toBe("2000");
    expect(await world.waiting()).toEqual([]);
  });

  test("loses when the API server itself has run back in time (etcd restore)", async () => {
    await stored();
    world.place(older);
    await resync(world.deps);
    expect((await world.store.version("node-1"))?.resourceVersion).toBe("1000");
    expect(await world.waiting()).toEqual(["node-1"]);
  });

  test("that another watcher published while the API server was asked wins over its older answer", async () => {
    await stored();
    world.source.place(older);
    const read = aNode().resourceVersion(2500).snapshot();
    const newest = aNode().resourceVersion(2600).diskPressure().snapshot();
    const reader = {
      read: async () => {
        await world.store.publish([{ snapshot: newest, fingerprint: world.deps.fingerprint(newest) }]);
        return { found: true, node: read } as const;
      },
    };
    await resync({ ...world.deps, reader });
    expect((await world.store.version("node-1"))?.resourceVersion).toBe("2600");
  });

  test("stays while the API server cannot be asked, and is asked again", async () => {
    await stored();
    world.place(older);
    world.reader.fault = new Error("503");
    expect(await resync(world.deps)).toMatchObject({ doubted: 1, verified: 0, left: 1 });
    expect((await world.store.version("node-1"))?.resourceVersion).toBe("2000");
    world.reader.fault = undefined;
    expect(await resync(world.deps)).toMatchObject({ verified: 1, left: 0 });
  });

  test("of a node that does not exist is forgotten", async () => {
    await stored();
    world.source.place(older);
    await resync(world.deps);
    expect(await world.store.version("node-1")).toMatchObject({ gone: true });
  });

  test("of a node that is none of ours is forgotten", async () => {
    await stored();
    world.source.place(older);
    world.reader.set(aNode().resourceVersion(3000).pool("another").snapshot());
    await resync(world.deps);
    expect(await world.store.version("node-1")).toMatchObject({ gone: true });
  });

  test.each([
    "x y z",
    "gone for good",
    "  ",
    "999999999999999999999999999999999999 u f",
    "-1 u f",
    "0x9 u f",
  ])("whatever it reads, here %j, ends as what the API server says", async (bytes) => {
    world.place(older);
    world.store.newest.set("node-1", bytes);
    await resync(world.deps);
    expect((await world.store.version("node-1"))?.resourceVersion).toBe("1000");
    expect(await world.waiting()).toEqual(["node-1"]);
  });
});

const twoStoredOneSeen = async () => {
  world.place(...fleet(2));
  await resync(world.deps);
  await world.judged();
  await world.source.remove("node-1");
};

describe("a node that is stored and not seen", () => {
  test("is forgotten only when the API server says that it does not exist", async () => {
    await twoStoredOneSeen();
    world.reader.nodes.delete("node-1");
    expect(await resync(world.deps)).toMatchObject({ verified: 1, left: 0 });
    expect(await world.store.version("node-1")).toMatchObject({ gone: true });
    expect(await world.store.version("node-0")).toMatchObject({ gone: false });
  });

  test("and exists is kept: the view was wrong", async () => {
    await twoStoredOneSeen();
    await resync(world.deps);
    expect(await world.store.version("node-1")).toMatchObject({ gone: false });
  });

  test("and cannot be read is kept", async () => {
    await twoStoredOneSeen();
    world.reader.fault = new Error("403");
    expect(await resync(world.deps)).toMatchObject({ verified: 0, left: 1 });
    expect(await world.store.version("node-1")).toMatchObject({ gone: false });
  });

  test("of which only a record is left is cleaned up after", async () => {
    await world.store.compareAndSet("node-7", "0", recordOf("node-7", "Unhealthy"));
    await resync(world.deps);
    await world.judged();
    expect(world.store.records.size).toBe(0);
    expect(await world.store.version("node-7")).toBeUndefined();
  });
});

describe("a record that is not what its snapshot left when it was judged", () => {
  test("is judged again, though nothing changed and nobody needs attention", async () => {
    const sick = aNode("node-1").notReady().snapshot();
    world.place(sick);
    await resync(world.deps);
    await world.judged();
    await resync(world.deps);
    expect(await world.waiting()).toEqual([]);
    world.store.judged.delete("node-1");
    await resync(world.deps);
    expect(await world.waiting()).toHaveLength(1);
    expect(world.queues.takeWoken()).toEqual([shardOf("node-1")]);
  });
});

describe("a view that lost everything", () => {
  test("makes 100 reads per tick and forgets nothing that exists", async () => {
    world.place(...fleet(250));
    await resync(world.deps);
    await world.judged();
    for (const { name } of fleet(250)) await world.source.remove(name);
    expect(await resync(world.deps)).toMatchObject({ verified: 100, left: 150 });
    expect(world.reader.reads).toHaveLength(100);
    expect([...world.store.newest.values()].filter((version) => version === "gone")).toEqual([]);
  });

  test("an API server that answers nothing is asked ten times per tick, after the sick were seen to", async () => {
    world.place(...fleet(60));
    await resync(world.deps);
    await world.judged("Unhealthy");
    for (const { name } of fleet(60)) await world.source.remove(name);
    let reads = 0;
    let waitingAtFirstRead: number | undefined;
    const reader = {
      read: async () => {
        reads += 1;
        waitingAtFirstRead ??= world.queues.woken.size;
        throw new Error("timeout");
      },
    };
    const failures: unknown[] = [];
    const onFailure = (error: unknown): void => void failures.push(error);
    expect(await resync({ ...world.deps, reader, onFailure })).toMatchObject({ verified: 0, left: 60 });
    expect(reads).toBe(10);
    expect(failures).toEqual(Array.from({ length: 10 }, () => new Error("timeout")));
    expect(waitingAtFirstRead).toBeGreaterThan(0);
  });

  test("nodes that cannot be read do not keep the others from being looked at", async () => {
    const names = Array.from({ length: 40 }, (_, i) => `node-${i}`);
    // Shard by shard, this one comes last.
    const last =
      names.toSorted((a, b) => shardOf(a) - shardOf(b) || names.indexOf(a) - names.indexOf(b)).at(-1) ?? "";
    for (const name of names) await world.store.compareAndSet(name, "0", recordOf(name, "Healthy"));
    const reader = {
      read: async (name: string) => {
        if (name !== last) throw new Error("503");
        return { found: false } as const;
      },
    };
    let gone = false;
    for (let tick = 0; tick < 200 && !gone; tick += 1) {
      await resync({ ...world.deps, reader });
      gone = (await world.store.version(last))?.gone ?? false;
    }
    expect(gone).toBe(true);
  });
});
