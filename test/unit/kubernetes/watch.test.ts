import { describe, expect, test } from "vitest";
import { nodeList } from "./support/fake-api.ts";
import { observedSource, type ObservedSource } from "./support/observed-source.ts";
import { rawNode, readiness } from "./support/raw-node.ts";

async function watching(deps: Parameters<typeof observedSource>[0] = {}): Promise<ObservedSource> {
  const observed = observedSource(deps);
  observed.api.onList(() => nodeList(10, [rawNode("a", { version: 8 }), rawNode("b", { version: 9 })]));
  await observed.start();
  observed.told.length = 0;
  return observed;
}

describe("I-5: the query of a watch", () => {
  test.each([
    [0, "300"],
    [0.5, "450"],
    [0.999, "600"],
  ])("asks for bookmarks and for a life of 300 to 600 s (random %d)", async (random, timeoutSeconds) => {
    const { api } = await watching({ random: () => random });
    expect(api.stream().query).toEqual({
      watch: "true",
      resourceVersion: "10",
      allowWatchBookmarks: "true",
      timeoutSeconds,
    });
  });

  test("carries no labelSelector even with pools: there are two labels, and selectors can only AND", async () => {
    const { api } = await watching({ selector: { pools: ["p"] } });
    expect(api.lists[0]).not.toHaveProperty("labelSelector");
    expect(api.stream().query).not.toHaveProperty("labelSelector");
  });
});

describe("I-6: a stream that has gone silent is cut", () => {
  test("150 s after the last byte on a server that sends bookmarks, and watched again from the last version", async () => {
    const { api, clock } = await watching();
    await clock.advance(60_000);
    api.stream().bookmark(15);
    await clock.advance(149_999);
    expect(api.streams).toHaveLength(1);
    expect(api.stream().isOpen()).toBe(true);
    await clock.advance(1);
    expect(api.streams).toHaveLength(2);
    expect(api.streams[0]?.isOpen()).toBe(false);
    expect(api.stream().query["resourceVersion"]).toBe("15");
    expect(api.lists).toHaveLength(1);
  });

  test("every byte counts, even a heartbeat that changes nothing", async () => {
    const { api, clock } = await watching();
    api.stream().bookmark(15);
    for (let version = 16; version < 26; version += 1) {
      await clock.advance(140_000);
      api.stream().event("MODIFIED", rawNode("a", { version, heartbeat: version }));
    }
    await clock.advance(140_000);
    expect(api.streams).toHaveLength(1);
  });

  test("timeoutSeconds + 15 s where no bookmark was ever seen", async () => {
    const { api, clock, events } = await watching();
    await clock.advance(614_999);
    expect(api.stream().isOpen()).toBe(true);
    await clock.advance(1);
    expect(api.streams[0]?.isOpen()).toBe(false);
    expect(events).toContainEqual({ type: "WatchEnded", reason: "Silent", lived: 615_000 });
  });

  test("also while a handler is busy; and what comes meanwhile is heard", async () => {
    const { api, clock, onHandler, told } = await watching({ timings: { handlerDeadline: 600_000 } });
    api.stream().bookmark(15);
    onHandler(() => new Promise(() => {}));
    api.stream().event("MODIFIED", rawNode("a", { version: 16, ready: "False" }));
    await clock.advance(100_000);
    api.stream().event("MODIFIED", rawNode("b", { version: 17, heartbeat: 1 }));
    await clock.advance(149_999);
    expect(api.stream().isOpen()).toBe(true);
    await clock.advance(1);
    expect(api.streams[0]?.isOpen()).toBe(false);
    expect(told).toEqual(["changed a"]);
  });
});

describe("I-10: what is not an event ends the stream", () => {
  test.each([
    ["half a JSON line", '{"type":"MODIFIED","obj\n'],
    ["not JSON", "<html>502</html>\n"],
    ["an unknown type", '{"type":"SURPRISE","object":{}}\n'],
    ["no type", '{"object":{}}\n'],
    ["a bookmark without a version", '{"type":"BOOKMARK","object":{"metadata":{}}}\n'],
    ["null", "null\n"],
  ])("%s: watched again from the last good version", async (_, line) => {
    const { api, clock, events, told, source } = await watching();
    api.stream().event("MODIFIED", rawNode("a", { version: 12, ready: "False" }));
    api.stream().write(line);
    api.stream().event("MODIFIED", rawNode("b", { version: 13, ready: "False" }));
    await clock.advance(800);
    expect(events).toContainEqual({ type: "WatchEnded", reason: "MalformedLine", lived: 0 });
    expect(told).toEqual(["changed a"]);
    expect(readiness(source.nodes().get("b"))).toBe("True");
    expect(api.stream().query["resourceVersion"]).toBe("12");
    expect(api.lists).toHaveLength(1);
  });

  test("a partial last line is dropped with the stream", async () => {
    const { api, clock, source } = await watching();
    const line = JSON.stringify({ type: "MODIFIED", object: rawNode("a", { version: 12, ready: "False" }) });
    api.stream().write(line);
    api.stream().end();
    await clock.advance(800);
    expect(readiness(source.nodes().get("a"))).toBe("True");
    expect(api.stream().query["resourceVersion"]).toBe("10");
  });

  test("a line cut in two chunks is one line", async () => {
    const { api, clock, source } = await watching();
    const line = JSON.stringify({ type: "MODIFIED", object: rawNode("a", { version: 12, ready: "False" }) });
    api.stream().write(line.slice(0, 40));
    await clock.settle();
    api.stream().write(`${line.slice(40)}\n`);
    await clock.settle();
    expect(readiness(source.nodes().get("a"))).toBe("False");
  });
});

describe("I-11: events that are not newer are dropped", () => {
  test.each([7, 8])("version %d after version 8 of the list", async (version) => {
    const { api, clock, source, told, count } = await watching();
    api.stream().event("MODIFIED", rawNode("a", { version, ready: "False" }));
    await clock.settle();
    expect(count("OldEventDropped")).toBe(1);
    expect(told).toEqual([]);
    expect(readiness(source.nodes().get("a"))).toBe("True");
  });

  test("versions are ordered by length first: 10 is newer than 9, not older", async () => {
    const { api, clock, told } = await watching();
    api.stream().event("MODIFIED", rawNode("b", { version: 11, ready: "False" }));
    api.stream().event("MODIFIED", rawNode("b", { version: 100, ready: "True" }));
    await clock.settle();
    expect(told).toEqual(["changed b", "changed b"]);
  });

  test("a heartbeat counts as seen: what is older than it is old", async () => {
    const { api, clock, told, source } = await watching();
    api.stream().event("MODIFIED", rawNode("a", { version: 20, heartbeat: 1 }));
    api.stream().event("MODIFIED", rawNode("a", { version: 15, ready: "False" }));
    await clock.settle();
    expect(told).toEqual([]);
    expect(source.nodes().get("a")?.resourceVersion).toBe("8");
  });

  test("an old deletion deletes nothing", async () => {
    const { api, clock, told } = await watching();
    api.stream().event("DELETED", rawNode("a", { version: 7, uid: "an-older-machine" }));
    await clock.settle();
    expect(told).toEqual([]);
  });

  test("a replayed event of a deleted node does not bring it back", async () => {
    const { api, clock, told, source } = await watching();
    api.stream().event("MODIFIED", rawNode("a", { version: 11, ready: "False" }));
    api.stream().event("DELETED", rawNode("a", { version: 12 }));
    api.stream().event("MODIFIED", rawNode("a", { version: 11, ready: "False" }));
    await clock.settle();
    expect(told).toEqual(["changed a", "disappeared a"]);
    expect(source.nodes().has("a")).toBe(false);
  });

  test("another uid under the same name is a deletion and an addition", async () => {
    const { api, clock, told, source } = await watching();
    api.stream().event("ADDED", rawNode("a", { version: 12, uid: "new-machine" }));
    await clock.settle();
    expect(told).toEqual(["disappeared a", "changed a"]);
    expect(source.nodes().get("a")?.uid).toBe("new-machine");
  });

  test("an event of the machine before does not bring it back", async () => {
    const { api, clock, told, source } = await watching();
    api.stream().event("ADDED", rawNode("a", { version: 12, uid: "new-machine" }));
    api.stream().event("MODIFIED", rawNode("a", { version: 11, ready: "Unknown" }));
    await clock.settle();
    expect(told).toEqual(["disappeared a", "changed a"]);
    expect(source.nodes().get("a")?.uid).toBe("new-machine");
  });
});

describe("I-12: a bookmark moves the version and nothing else", () => {
  test("the next watch starts from it", async () => {
    const { api, clock, told } = await watching();
    api.stream().bookmark(500);
    await clock.advance(2_000);
    api.stream().end();
    await clock.settle();
    expect(api.stream().query["resourceVersion"]).toBe("500");
    expect(told).toEqual([]);
  });
});

describe("I-18: heartbeats are nothing", () => {
  test("1,000 heartbeats make 0 handler calls, one change makes one", async () => {
    const { api, clock, told, snapshots, count } = await watching();
    snapshots.length = 0;
    for (let version = 11; version < 1011; version += 1) {
      api.stream().event("MODIFIED", rawNode("a", { version, heartbeat: version }));
    }
    await clock.settle();
    expect(count("UnchangedEventDropped")).toBe(1000);
    expect(told).toEqual([]);
    api.stream().event("MODIFIED", rawNode("a", { version: 1011, ready: "Unknown" }));
    await clock.settle();
    expect(told).toEqual(["changed a"]);
    expect(snapshots.map(({ resourceVersion }) => resourceVersion)).toEqual(["1011"]);
  });

  test("a relist of unchanged nodes is silent", async () => {
    const { api, clock, told } = await watching();
    api.stream().event("ERROR", { kind: "Status", code: 410 });
    await clock.advance(800);
    expect(api.lists).toHaveLength(2);
    expect(told).toEqual([]);
  });
});

describe("I-19: what leaves the view is a hint", () => {
  test("DELETED takes the node from the view and hints once", async () => {
    const { api, clock, told, source } = await watching();
    api.stream().event("DELETED", rawNode("a", { version: 12 }));
    api.stream().event("DELETED", rawNode("a", { version: 13 }));
    await clock.settle();
    expect(told).toEqual(["disappeared a"]);
    expect([...source.nodes().keys()]).toEqual(["b"]);
  });

  test("DELETED with the version of the last change counts (servers that do not stamp deletions)", async () => {
    const { api, clock, told } = await watching();
    api.stream().event("DELETED", rawNode("a", { version: 8 }));
    await clock.settle();
    expect(told).toEqual(["disappeared a"]);
  });

  test("a node that leaves the selection hints, one that comes into it is told", async () => {
    const pool = { "kubernetes.civo.com/civo-node-pool": "p" };
    const observed = observedSource({ selector: { pools: ["p"] } });
    const { api, clock, told, source, start } = observed;
    api.onList(() =>
      nodeList(10, [rawNode("a", { version: 8, labels: pool }), rawNode("b", { version: 9 })]),
    );
    await start();
    api.stream().event("MODIFIED", rawNode("a", { version: 11 }));
    api.stream().event("MODIFIED", rawNode("b", { version: 12, labels: pool }));
    await clock.settle();
    expect(told).toEqual(["changed a", "disappeared a", "changed b"]);
    expect([...source.nodes().keys()]).toEqual(["b"]);
  });

  test("events of nodes that are not selected move the version all the same", async () => {
    const { api, clock } = await watching({ selector: { pools: ["p"] } });
    api.stream().event("MODIFIED", rawNode("b", { version: 40 }));
    await clock.advance(2_000);
    api.stream().end();
    await clock.settle();
    expect(api.stream().query["resourceVersion"]).toBe("40");
  });
});

test("a malformed object on the watch is counted and skipped, and the stream goes on", async () => {
  const { api, clock, told, count } = await watching();
  for (const object of [
    null,
    7,
    {},
    { metadata: { name: "a" } },
    { metadata: { name: "A B", resourceVersion: "12" } },
  ]) {
    api.stream().event("MODIFIED", object);
  }
  api.stream().event("MODIFIED", rawNode("b", { version: 13, ready: "False" }));
  await clock.settle();
  expect(count("MalformedObject")).toBe(5);
  expect(told).toEqual(["changed b"]);
  expect(api.streams).toHaveLength(1);
});

test("a projection that throws is a malformed object and no crash", async () => {
  const observed = observedSource({
    project: () => {
      throw new Error("bug");
    },
  });
  observed.api.onList(() => nodeList(10, [rawNode("a", { version: 8 })]));
  await observed.start();
  observed.api.stream().event("ADDED", rawNode("b", { version: 11 }));
  await observed.clock.settle();
  expect(observed.count("MalformedObject")).toBe(2);
  expect(observed.source.freshness().phase).toBe("Watching");
});

test("a snapshot carries the version of the event that changed it", async () => {
  const { api, clock, source } = await watching();
  api.stream().event("MODIFIED", rawNode("a", { version: 11, ready: "False" }));
  api.stream().event("MODIFIED", rawNode("a", { version: 12, ready: "False", heartbeat: 9 }));
  await clock.settle();
  expect(source.nodes().get("a")?.resourceVersion).toBe("11");
});
