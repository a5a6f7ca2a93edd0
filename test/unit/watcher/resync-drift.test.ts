import { beforeEach, describe, expect, test } from "vitest";
import { aNode } from "../../../packages/shared/src/testing/builders.ts";
import { resync } from "../../../packages/watcher/src/resync.ts";
import { recordOf, WatcherWorld } from "./watcher-world.ts";

let world: WatcherWorld;
let drifts: WatcherWorld["drifts"];
beforeEach(() => {
  world = new WatcherWorld();
  ({ drifts } = world);
});

const fleet = (count: number) =>
  Array.from({ length: count }, (_, i) =>
    aNode(`node-${i}`)
      .resourceVersion(100 + i)
      .snapshot(),
  );

describe("a history that was lost (etcd restored from a backup)", () => {
  const before = fleet(250).map((node, i) =>
    aNode(node.name)
      .resourceVersion(1200 + i)
      .notReady()
      .snapshot(),
  );
  /** The store has the lost history; the view and the server are of the new one, at version 1010. */
  const restored = async () => {
    world.place(...before);
    await resync(world.deps);
    await world.judged();
    world.place(
      ...fleet(250).map(({ name }, i) =>
        aNode(name)
          .resourceVersion(700 + i)
          .snapshot(),
      ),
    );
    world.source.server = { version: "1010", viewIsAhead: false };
    drifts.length = 0;
  };
  const versions = async () =>
    Promise.all(before.map(async ({ name }) => Number((await world.store.version(name))?.resourceVersion)));

  test("is replaced in one tick, however large the fleet, and without a read per node", async () => {
    await restored();
    expect(await resync(world.deps)).toEqual({ published: 250, doubted: 0, verified: 0, left: 0 });
    expect(Math.max(...(await versions()))).toBeLessThanOrEqual(1010);
    expect(await world.waiting()).toHaveLength(250);
    expect(world.reader.reads).toEqual([]);
    expect(drifts).toEqual([
      {
        cache: "Snapshots",
        counts: { Stale: 250, Missing: 0, Extra: 0 },
        nodes: before.slice(0, 10).map(() => expect.any(String)),
      },
    ]);
  });

  test("also where the content is the same: under its version all that happens next would be old", async () => {
    const [node] = fleet(1);
    world.place(aNode("node-0").resourceVersion(1203).snapshot());
    await resync(world.deps);
    await world.judged();
    drifts.length = 0;
    if (node !== undefined) world.place(node);
    world.source.server = { version: "1010", viewIsAhead: false };
    await resync(world.deps);
    expect((await world.store.version("node-0"))?.resourceVersion).toBe("100");
    const died = aNode("node-0").resourceVersion(1011).notReady().snapshot();
    await world.store.publish([{ snapshot: died, fingerprint: world.deps.fingerprint(died) }]);
    expect(await world.waiting()).toEqual(["node-0"]);
    expect(drifts).toEqual([]);
  });

  test("what another watcher published since the store was read is not replaced", async () => {
    await restored();
    const newest = aNode("node-7").resourceVersion(1011).diskPressure().snapshot();
    world.source.serverVersion = async () => {
      const over = await world.store.version("node-7");
      await world.store.publish([
        {
          snapshot: newest,
          fingerprint: world.deps.fingerprint(newest),
          ...(over === undefined ? {} : { over }),
        },
      ]);
      return { version: "1010", viewIsAhead: false };
    };
    await resync(world.deps);
    expect((await world.store.version("node-7"))?.resourceVersion).toBe("1011");
  });

  test("a watcher that still sees the lost history replaces nothing by it", async () => {
    await restored();
    await resync(world.deps);
    await world.judged();
    world.place(...before);
    world.source.server = { version: "1010", viewIsAhead: true };
    expect(await resync(world.deps)).toEqual({ published: 0, doubted: 0, verified: 0, left: 250 });
    expect(Math.max(...(await versions()))).toBeLessThanOrEqual(1010);
  });

  test("nor does one that cannot ask the server", async () => {
    await restored();
    await resync(world.deps);
    world.place(...before);
    world.source.server = new Error("503");
    expect(await resync(world.deps)).toEqual({ published: 0, doubted: 0, verified: 0, left: 250 });
  });

  test("that the server has overtaken is settled by reads, a hundred in a tick", async () => {
    await restored();
    world.source.server = { version: "5000", viewIsAhead: false };
    expect(await resync(world.deps)).toMatchObject({ doubted: 250, verified: 100, left: 150 });
  });
});

const twoStoredOneSeen = async () => {
  world.place(...fleet(2));
  await resync(world.deps);
  await world.judged();
  await world.source.remove("node-1");
};

describe("what is counted as drift", () => {
  test("what stands different in two looks, a delivery apart", async () => {
    world.place(...fleet(3));
    await resync(world.deps);
    await world.judged();
    drifts.length = 0;
    world.place(aNode("node-1").resourceVersion(500).notReady().snapshot());
    await resync({ ...world.deps, settle: async () => {} });
    expect(drifts).toEqual([
      { cache: "Snapshots", counts: { Stale: 1, Missing: 0, Extra: 0 }, nodes: ["node-1"] },
    ]);
  });

  test("not what was on its way", async () => {
    world.place(...fleet(3));
    await resync(world.deps);
    await world.judged();
    drifts.length = 0;
    const news = aNode("node-1").resourceVersion(500).notReady().snapshot();
    const born = aNode("node-9").resourceVersion(501).snapshot();
    const deliver = async () => {
      await world.store.publish(
        [news, born].map((snapshot) => ({ snapshot, fingerprint: world.deps.fingerprint(snapshot) })),
      );
    };
    world.place(news, born);
    await resync({ ...world.deps, settle: deliver });
    expect(drifts).toEqual([]);
  });

  test("not news after news: another difference than the one before", async () => {
    world.place(...fleet(3));
    await resync(world.deps);
    await world.judged();
    drifts.length = 0;
    const news = aNode("node-1").resourceVersion(500).notReady().snapshot();
    world.place(news);
    await resync({
      ...world.deps,
      settle: async () => {
        await world.store.publish([{ snapshot: news, fingerprint: world.deps.fingerprint(news) }]);
        world.place(aNode("node-1").resourceVersion(502).diskPressure().snapshot());
      },
    });
    expect((await world.store.version("node-1"))?.resourceVersion).toBe("502");
    expect(drifts).toEqual([]);
  });

  test("a stored node that is no more, and a record without a node", async () => {
    await twoStoredOneSeen();
    drifts.length = 0;
    world.reader.nodes.delete("node-1");
    await world.store.compareAndSet("node-7", "0", recordOf("node-7", "Unhealthy"));
    await resync({ ...world.deps, settle: async () => {} });
    expect(drifts).toEqual([
      { cache: "Snapshots", counts: { Stale: 0, Missing: 0, Extra: 1 }, nodes: ["node-1"] },
      { cache: "Records", counts: { Stale: 0, Missing: 0, Extra: 1 }, nodes: ["node-7"] },
    ]);
    drifts.length = 0;
    // On their way out: no worker has cleaned up yet.
    await resync({ ...world.deps, settle: async () => {} });
    expect(drifts).toEqual([]);
  });

  test("a flushed store has lost every node", async () => {
    world.place(...fleet(30));
    await resync(world.deps);
    expect(drifts.map(({ counts }) => counts)).toEqual([{ Stale: 0, Missing: 30, Extra: 0 }]);
  });
});
