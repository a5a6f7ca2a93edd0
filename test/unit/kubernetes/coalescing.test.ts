import { describe, expect, test } from "vitest";
import { nodeList } from "./support/fake-api.ts";
import { observedSource, type ObservedSource } from "./support/observed-source.ts";
import { rawNode, readiness } from "./support/raw-node.ts";

/** A source that watches the nodes a, b and c. */
async function watching(): Promise<ObservedSource> {
  const observed = observedSource();
  const nodes = ["a", "b", "c"].map((name, i) => rawNode(name, { version: 7 + i }));
  observed.api.onList(() => nodeList(10, nodes));
  await observed.start();
  observed.told.length = 0;
  observed.snapshots.length = 0;
  return observed;
}

/** The same, with a call for a under way; `release` ends this one, and once more each after it. */
async function busy(): Promise<ObservedSource & { readonly release: (error?: Error) => Promise<void> }> {
  const observed = await watching();
  const { api, clock, told, snapshots, onHandler } = observed;
  const calls: PromiseWithResolvers<void>[] = [];
  onHandler(async () => {
    calls.push(Promise.withResolvers<void>());
    await calls.at(-1)?.promise;
  });
  api.stream().event("MODIFIED", rawNode("a", { version: 11, ready: "False" }));
  await clock.settle();
  expect(told.splice(0)).toEqual(["changed a"]);
  snapshots.length = 0;
  const release = async (error?: Error): Promise<void> => {
    const call = calls.shift();
    if (error === undefined) call?.resolve();
    else call?.reject(error);
    await clock.settle();
  };
  return { ...observed, release };
}

/** The version from which the next stream is asked for when this one ends now. */
async function resumed({ api, clock }: ObservedSource): Promise<string | undefined> {
  // Longer than a short stream, and not without an event: the next one is opened at once.
  api.stream().event("MODIFIED", rawNode("a", { version: 1 }));
  await clock.advance(2_000);
  api.stream().end();
  await clock.settle();
  return api.stream().query["resourceVersion"];
}

describe("changes that come while a handler is busy wait for one call together", () => {
  test("100 events of 10 nodes make exactly one more call, with the newest of each", async () => {
    const { api, clock, told, snapshots, release } = await busy();
    for (let version = 100; version < 200; version += 1) {
      const ready = version % 20 < 10 ? "False" : "True";
      api.stream().event("MODIFIED", rawNode(`n-${version % 10}`, { version, ready }));
    }
    await clock.settle();
    expect(told).toEqual([]);
    await release();
    expect(told).toEqual(["changed n-0 n-1 n-2 n-3 n-4 n-5 n-6 n-7 n-8 n-9"]);
    expect(snapshots.map(({ resourceVersion }) => Number(resourceVersion))).toEqual([
      190, 191, 192, 193, 194, 195, 196, 197, 198, 199,
    ]);
    await release();
    await clock.advance(600_000);
    expect(told).toHaveLength(1);
  });

  test("what arrives in one piece is one call, also when no handler was busy", async () => {
    const { api, clock, told } = await watching();
    const lines = ["a", "b", "c"].map((name, i) =>
      JSON.stringify({ type: "MODIFIED", object: rawNode(name, { version: 11 + i, ready: "False" }) }),
    );
    api.stream().write(`${lines.join("\n")}\n`);
    await clock.settle();
    expect(told).toEqual(["changed a b c"]);
  });

  test("the stream is read on meanwhile, and the view follows it", async () => {
    const { api, clock, source } = await busy();
    api.stream().event("MODIFIED", rawNode("b", { version: 12, ready: "False" }));
    await clock.settle();
    expect(readiness(source.nodes().get("b"))).toBe("False");
  });

  test("but the view is vouched for only up to the oldest change that waits", async () => {
    const { api, clock, source, told, onHandler, release } = await busy();
    api.stream().event("DELETED", rawNode("c", { version: 12 }));
    await clock.advance(10_000);
    api.stream().event("MODIFIED", rawNode("b", { version: 13, ready: "False" }));
    await clock.settle();
    const waitingSince = clock.now();
    await clock.advance(20_000);
    api.stream().event("MODIFIED", rawNode("b", { version: 14, ready: "Unknown" }));
    await clock.settle();
    expect(source.freshness().lastByte?.wall).toBe(waitingSince);
    // A disappearance that waits holds nothing back. Within its own call a change waits no more: what is published now
    // was seen until now.
    const within: unknown[] = [];
    onHandler(() => void within.push(source.freshness().lastByte?.wall));
    await release();
    expect(told).toEqual(["disappeared c", "changed b"]);
    expect(within).toEqual([waitingSince, waitingSince + 20_000]);
    expect(source.freshness().lastByte?.wall).toBe(waitingSince + 20_000);
  });

  test("also of a node that went away and came back meanwhile", async () => {
    const { api, clock, source, told, release } = await busy();
    const waitingSince = clock.now();
    for (const [i, type] of ["MODIFIED", "DELETED", "ADDED"].entries()) {
      api.stream().event(type, rawNode("b", { version: 12 + i, ready: "False" }));
      await clock.advance(1_000);
    }
    await release();
    expect(told).toEqual(["disappeared b"]);
    expect(source.freshness().lastByte?.wall).toBe(waitingSince);
  });

  test("a list is read no faster than the handler takes in its pages", async () => {
    const { api, clock, told, onHandler, start } = observedSource();
    api.onList((query) =>
      query["continue"] === undefined
        ? nodeList(10, [rawNode("a", { version: 7 })], "2")
        : nodeList(10, [rawNode("b", { version: 8 })]),
    );
    const { promise, resolve: release } = Promise.withResolvers<void>();
    onHandler(() => promise);
    await start();
    expect([api.lists.length, told]).toEqual([1, ["changed a"]]);
    release();
    await clock.settle();
    expect([api.lists.length, told]).toEqual([2, ["changed a", "changed b"]]);
  });

  test("stop leaves what waits untold, also when the handler hangs", async () => {
    const { api, clock, source, told } = await busy();
    api.stream().event("MODIFIED", rawNode("b", { version: 12, ready: "False" }));
    api.stream().event("DELETED", rawNode("c", { version: 13 }));
    await clock.settle();
    const stopped = source.stop();
    await clock.advance(5_000);
    await stopped;
    expect(told).toEqual([]);
    expect(clock.sleepers()).toBe(0);
  });
});

describe("the order of what one node went through", () => {
  test("changed while its own change is under way: told again", async () => {
    const { api, told, snapshots, release, clock } = await busy();
    api.stream().event("MODIFIED", rawNode("a", { version: 12, ready: "Unknown" }));
    await clock.settle();
    await release();
    expect(told).toEqual(["changed a"]);
    expect(snapshots.map(({ resourceVersion }) => resourceVersion)).toEqual(["12"]);
  });

  test("deleted while its change is under way: told after it", async () => {
    const { api, clock, told, release } = await busy();
    api.stream().event("DELETED", rawNode("a", { version: 12 }));
    await clock.settle();
    expect(told).toEqual([]);
    await release();
    expect(told).toEqual(["disappeared a"]);
  });

  test("changed and then deleted: only the deletion is told", async () => {
    const { api, clock, told, release } = await busy();
    api.stream().event("MODIFIED", rawNode("b", { version: 12, ready: "False" }));
    api.stream().event("DELETED", rawNode("b", { version: 13 }));
    await clock.settle();
    await release();
    await release();
    expect(told).toEqual(["disappeared b"]);
  });

  test.each([
    ["deleted and made again", ["DELETED", "ADDED"]],
    ["replaced by another uid without a deletion", ["ADDED"]],
  ])("%s: first the disappearance, then the newest of the new one", async (_, types) => {
    const { api, clock, told, snapshots, release } = await busy();
    for (const type of types)
      api.stream().event(type, rawNode("b", { version: 12 + types.indexOf(type), uid: "2" }));
    api.stream().event("MODIFIED", rawNode("b", { version: 14, uid: "2", ready: "False" }));
    await clock.settle();
    await release();
    expect(told).toEqual(["disappeared b"]);
    await release();
    await release();
    expect(told).toEqual(["disappeared b", "changed b"]);
    expect(snapshots.map(({ uid, resourceVersion }) => `${uid} ${resourceVersion}`)).toEqual(["2 14"]);
  });

  test("deleted, made again and deleted: the last word is the disappearance", async () => {
    const { api, clock, told, release } = await busy();
    api.stream().event("DELETED", rawNode("b", { version: 12 }));
    api.stream().event("ADDED", rawNode("b", { version: 13, uid: "2" }));
    await clock.settle();
    await release();
    expect(told).toEqual(["disappeared b"]);
    api.stream().event("DELETED", rawNode("b", { version: 14, uid: "2" }));
    await clock.settle();
    await release();
    await release();
    expect(told).toEqual(["disappeared b", "disappeared b"]);
  });

  test("changes do not wait for all deletions, nor deletions for all changes", async () => {
    const { api, clock, told, release } = await busy();
    for (const [i, name] of ["b", "c"].entries())
      api.stream().event("DELETED", rawNode(name, { version: 12 + i }));
    await clock.settle();
    for (let version = 20; version < 24; version += 1) {
      await release();
      api.stream().event("ADDED", rawNode(`n-${version}`, { version }));
      await clock.settle();
    }
    expect(told).toEqual(["disappeared b", "changed n-20", "disappeared c", "changed n-21 n-22"]);
  });
});

describe("I-12: the version to resume from stays behind the first change that is not accepted", () => {
  test("while a call is under way and others wait", async () => {
    const observed = await busy();
    observed.api.stream().event("MODIFIED", rawNode("b", { version: 12, ready: "False" }));
    observed.api.stream().bookmark(13);
    expect(await resumed(observed)).toBe("10");
    // The change that was under way is accepted, the one that waited is not.
    await observed.release();
    observed.api.stream().bookmark(14);
    expect(await resumed(observed)).toBe("10");
    await observed.release();
    expect(await resumed(observed)).toBe("14");
    expect(observed.told).toEqual(["changed b"]);
  });

  test("is that of the event before it", async () => {
    const observed = await watching();
    const { api, clock, onHandler } = observed;
    for (const version of [11, 12, 13]) {
      api.stream().event("MODIFIED", rawNode("a", { version, ready: version % 2 === 0 ? "True" : "False" }));
      await clock.settle();
    }
    onHandler(() => new Promise(() => {}));
    // In one piece: the second is taken in before the handler is called.
    const lines = ["b", "c"].map((name, i) =>
      JSON.stringify({ type: "MODIFIED", object: rawNode(name, { version: 14 + i, ready: "False" }) }),
    );
    api.stream().write(`${lines.join("\n")}\n`);
    api.onProbe(() => 15);
    expect(await resumed(observed)).toBe("13");
  });

  test("when a call fails, whatever comes in the same moment", async () => {
    const observed = await busy();
    const { api, clock, release } = observed;
    const heartbeats = (async () => {
      for (let version = 20; version < 60; version += 1) {
        api.stream().event("MODIFIED", rawNode("c", { version, heartbeat: version }));
        await Promise.resolve();
      }
    })();
    await Promise.all([heartbeats, release(new Error("Redis is down"))]);
    await clock.advance(700);
    api.stream().end();
    await clock.advance(99);
    await clock.settle();
    expect(api.streams.length).toBe(1);
    await clock.advance(701);
    expect(api.stream().query["resourceVersion"]).toBe("10");
  });
});

describe("I-13: a batch that the handler refuses", () => {
  test("is offered again as a batch, then one by one", async () => {
    const { api, clock, told, onHandler, release } = await busy();
    for (const [i, name] of ["b", "c", "d"].entries()) {
      api.stream().event("ADDED", rawNode(name, { version: 12 + i, ready: "False" }));
    }
    await clock.settle();
    onHandler((call) => {
      if (/\bc\b/.test(call)) throw new Error("poison");
    });
    await release();
    expect(told).toEqual(["changed b c d"]);
    await clock.advance(800);
    expect(told.slice(1)).toEqual(["changed b c d", "changed b", "changed c", "changed d"]);
  });

  test("does not take others with it again: what was refused once is offered apart from the rest", async () => {
    const { api, clock, told, onHandler } = await watching();
    onHandler((call) => {
      if (/\ba\b/.test(call)) throw new Error("poison");
    });
    api.stream().event("MODIFIED", rawNode("a", { version: 11, ready: "False" }));
    await clock.advance(600_000);
    told.length = 0;
    const lines = ["a", "b", "c"].map((name, i) =>
      JSON.stringify({ type: "MODIFIED", object: rawNode(name, { version: 12 + i, ready: "Unknown" }) }),
    );
    api.stream().write(`${lines.join("\n")}\n`);
    await clock.settle();
    expect(told).toEqual(["changed b c", "changed a"]);
  });
});
