import { describe, expect, test } from "vitest";
import { KubernetesApiError, type SourceEvent } from "@node-agent/kubernetes";
import { nodeList } from "./support/fake-api.ts";
import { observedSource, type ObservedSource } from "./support/observed-source.ts";
import { rawNode, readiness } from "./support/raw-node.ts";

const MINUTE = 60_000;
const nodes = [rawNode("a", { version: 8 }), rawNode("b", { version: 9 })];

/** A source that watches two nodes from version 1000 on, on a server that sends bookmarks. */
async function watching(deps: Parameters<typeof observedSource>[0] = {}): Promise<ObservedSource> {
  const observed = observedSource({ random: () => 0.5, timings: { viewProbeInterval: MINUTE }, ...deps });
  observed.api.onList(() => nodeList(1000, nodes));
  await observed.start();
  observed.api.stream().bookmark(1203);
  await observed.clock.settle();
  observed.told.length = 0;
  return observed;
}

/** A bookmark a minute, as a server sends them that has seen nothing of the nodes. */
async function quietly(
  { api, clock }: ObservedSource,
  minutes: number,
  version: () => number,
): Promise<void> {
  for (let minute = 0; minute < minutes; minute += 1) {
    api.stream().bookmark(version());
    await clock.advance(MINUTE);
  }
}

function ofType<T extends SourceEvent["type"]>(observed: ObservedSource, type: T) {
  return observed.events.filter((event): event is SourceEvent & { type: T } => event.type === type);
}

describe("the probe: a watch that runs proves nothing", () => {
  test("asks about each interval, and finds a sound view sound: not newer, or newer for reasons of others", async () => {
    const observed = await watching();
    let version = 1203;
    observed.api.onProbe(() => (version += 500));
    await quietly(observed, 10, () => version);
    expect(observed.api.probes()).toBe(10);
    expect(new Set(ofType(observed, "ViewProbed").map(({ result }) => result))).toEqual(new Set(["Sound"]));
    expect(observed.api.lists).toHaveLength(1);
    expect(observed.count("DriftFound")).toBe(0);
  });

  test("is spread, so that the watchers of a fleet do not ask in step", async () => {
    for (const [random, after] of [
      [0, 48_000],
      [0.999, 72_000],
    ] as const) {
      const { api, clock } = await watching({ random: () => random });
      await clock.advance(after - 1000);
      expect(api.probes()).toBe(0);
      await clock.advance(1000);
      expect(api.probes()).toBe(1);
    }
  });

  test.each([
    ["silent", undefined],
    ["bringing bookmarks that are behind it", 1001],
  ])(
    "an etcd restored from a backup under a watch that goes on, %s: listed and repaired",
    async (_, bookmark) => {
      const observed = await watching();
      const { api, clock, source, told } = observed;
      api.onProbe(() => 1010);
      api.onList(() => nodeList(1014, [nodes[0], rawNode("b", { version: 1014, ready: "False" })]));
      if (bookmark !== undefined) api.stream().bookmark(bookmark);
      await clock.advance(bookmark === undefined ? MINUTE + 1000 : 7000);
      expect(api.lists.slice(1)).toEqual([{ limit: "500" }]);
      expect(api.stream().query["resourceVersion"]).toBe("1014");
      expect(readiness(source.nodes().get("b"))).toBe("False");
      expect(told).toEqual(["changed b"]);
      expect(ofType(observed, "ViewDistrusted")).toEqual([
        { type: "ViewDistrusted", cause: "WentBack", ours: "1203", server: "1010" },
      ]);
      expect(ofType(observed, "ListDone").at(-1)).toMatchObject({ wentBack: true });
      expect(ofType(observed, "DriftFound")).toEqual([
        { type: "DriftFound", counts: { Stale: 1, Missing: 0, Extra: 0 }, nodes: ["b"] },
      ]);
      api.stream().event("MODIFIED", rawNode("a", { version: 1015, ready: "False" }));
      await clock.settle();
      expect(readiness(source.nodes().get("a"))).toBe("False");
    },
  );

  test("a restore that lost one node and brought another back", async () => {
    const observed = await watching();
    const { api, clock, source, told } = observed;
    api.onProbe(() => 1010);
    api.onList(() => nodeList(1010, [nodes[0], rawNode("c", { version: 500 })]));
    await clock.advance(MINUTE + 1000);
    expect([...source.nodes().keys()]).toEqual(["a", "c"]);
    expect(told.toSorted()).toEqual(["changed c", "disappeared b"]);
    expect(ofType(observed, "DriftFound")[0]?.counts).toEqual({ Stale: 0, Missing: 1, Extra: 1 });
  });

  test("a single answer from behind, of one server of several, changes nothing", async () => {
    const observed = await watching();
    const answers = [700, 1203];
    observed.api.onProbe(() => answers.shift() ?? 1203);
    await quietly(observed, 3, () => 1203);
    expect(observed.api.lists).toHaveLength(1);
    expect(ofType(observed, "ViewProbed")[0]?.result).toBe("Contradiction");
  });

  test("nor does a list from behind replace what was seen, when the next answer contradicts it", async () => {
    const observed = await watching();
    const { api, clock, source } = observed;
    const answers = [700, 700];
    api.onProbe(() => answers.shift() ?? 1203);
    api.stream().event("ERROR", {
      kind: "Status",
      code: 504,
      reason: "Timeout",
      details: { causes: [{ reason: "ResourceVersionTooLarge" }] },
    });
    const lists = [nodeList(700, []), nodeList(1204, nodes)];
    answers.length = 0;
    api.onList(() => lists.shift() ?? nodeList(1204, nodes));
    await clock.advance(10_000);
    expect(ofType(observed, "ListFailed").map(({ reason }) => reason)).toEqual(["Contradiction"]);
    expect([...source.nodes().keys()]).toEqual(["a", "b"]);
    expect(observed.told).toEqual([]);
  });

  test("a server that is ahead of a watch without a word for two idle time-outs: listed and repaired", async () => {
    const observed = await watching();
    const { api, clock, source } = observed;
    api.onProbe(() => 5000);
    api.onList(() => nodeList(5000, [nodes[0], rawNode("b", { version: 1300, ready: "False" })]));
    await clock.advance(299_000);
    expect(api.lists).toHaveLength(1);
    await clock.advance(10_000);
    expect(ofType(observed, "ViewDistrusted")).toMatchObject([{ cause: "Deaf", server: "5000" }]);
    expect(api.lists.slice(1)).toEqual([{ limit: "500" }]);
    expect(readiness(source.nodes().get("b"))).toBe("False");
    expect(ofType(observed, "DriftFound")[0]?.counts).toEqual({ Stale: 1, Missing: 0, Extra: 0 });
  });

  test("a watch that brings bookmarks is not deaf, however far the server is ahead", async () => {
    const observed = await watching();
    observed.api.onProbe(() => 90_000);
    await quietly(observed, 20, () => 1204);
    expect(observed.count("ViewDistrusted")).toBe(0);
    expect(observed.api.lists).toHaveLength(1);
  });

  test.each([
    ["fails", () => Promise.reject(new KubernetesApiError("Forbidden", "403"))],
    ["does not come back", () => new Promise<number>(() => {})],
    ["tells a version that is none", () => "abc"],
  ])("one that %s is no sight, and kills no good watch", async (_, script) => {
    const observed = await watching();
    observed.api.onProbe(script);
    await quietly(observed, 10, () => 1204);
    const { lastByte } = observed.source.freshness();
    await observed.clock.advance(MINUTE);
    expect(lastByte).toBeDefined();
    expect(observed.source.freshness().lastByte).toEqual(lastByte);
    expect(observed.api.streams).toHaveLength(1);
    expect(observed.api.lists).toHaveLength(1);
  });

  test("a probe that runs while the watch brings news compares with what was seen before it", async () => {
    const observed = await watching();
    const { api, clock } = observed;
    api.onProbe(() => {
      api.stream().event("MODIFIED", rawNode("a", { version: 1300, ready: "False" }));
      return new Promise((resolve) => setImmediate(() => setImmediate(() => resolve(1203))));
    });
    await clock.advance(2 * MINUTE);
    expect(observed.count("ViewDistrusted")).toBe(0);
  });

  test("stops with its source", async () => {
    const { api, clock, source } = await watching();
    await source.stop();
    const { length } = api.lists;
    await clock.advance(90 * MINUTE);
    expect([api.probes(), api.lists.length, clock.sleepers()]).toEqual([0, length, 0]);
  });
});

/** Watches for 30 minutes in which the server says what `events` says, then lists `items` at `version`. */
async function relisted(version: number, items: readonly unknown[]): Promise<ObservedSource> {
  const observed = await watching();
  observed.api.onList(() => nodeList(version, items));
  await quietly(observed, 30, () => 1300);
  expect(observed.api.lists).toEqual([{ limit: "500" }, { limit: "500" }]);
  return observed;
}

describe("the relist: all nodes are compared with the view, about every 30 minutes", () => {
  test("finds nothing where nothing was lost, and cuts no more than the one stream", async () => {
    const observed = await relisted(1300, nodes);
    expect(observed.count("DriftFound")).toBe(0);
    expect(observed.count("ViewDistrusted")).toBe(0);
    expect(observed.told).toEqual([]);
    expect(ofType(observed, "WatchEnded").map(({ reason }) => reason)).toContain("Relist");
    expect(observed.api.peak()).toBe(1);
  });

  test("repairs and counts a node whose event the watch has lost, and one that it never told of", async () => {
    const observed = await relisted(1400, [
      nodes[0],
      rawNode("b", { version: 1250, ready: "False" }),
      rawNode("c", { version: 1260 }),
    ]);
    expect(readiness(observed.source.nodes().get("b"))).toBe("False");
    expect(observed.told).toEqual(["changed b c"]);
    expect(ofType(observed, "DriftFound")).toEqual([
      { type: "DriftFound", counts: { Stale: 1, Missing: 1, Extra: 0 }, nodes: ["b", "c"] },
    ]);
  });

  test("counts nothing that the watch would have brought next", async () => {
    const observed = await relisted(1400, [
      nodes[0],
      rawNode("b", { version: 1301, ready: "False" }),
      rawNode("c", { version: 1302 }),
    ]);
    expect(readiness(observed.source.nodes().get("b"))).toBe("False");
    expect(observed.told).toEqual(["changed b c"]);
    expect(observed.count("DriftFound")).toBe(0);
  });

  test("a node that is gone is told by the watch, which goes on from before the list", async () => {
    const observed = await relisted(1400, [nodes[0]]);
    const { api, clock, source, told } = observed;
    expect(api.stream().query["resourceVersion"]).toBe("1300");
    expect(source.nodes().has("b")).toBe(true);
    api.stream().event("DELETED", rawNode("b", { version: 1350 }));
    api.stream().bookmark(1400);
    await clock.settle();
    expect(told).toEqual(["disappeared b"]);
    expect(observed.count("DriftFound")).toBe(0);
  });

  test("and is drift when the watch has passed the list without a word", async () => {
    const observed = await relisted(1400, [nodes[0]]);
    const { api, clock, source, told } = observed;
    api.stream().bookmark(1399);
    await clock.settle();
    expect(told).toEqual([]);
    api.stream().bookmark(1401);
    await clock.settle();
    expect(told).toEqual(["disappeared b"]);
    expect(source.nodes().has("b")).toBe(false);
    expect(ofType(observed, "DriftFound")[0]?.counts).toEqual({ Stale: 0, Missing: 0, Extra: 1 });
  });

  test("at once when the server stands where the watch stands", async () => {
    const observed = await relisted(1300, [nodes[0]]);
    expect(observed.told).toEqual(["disappeared b"]);
    expect(ofType(observed, "DriftFound")[0]?.counts).toEqual({ Stale: 0, Missing: 0, Extra: 1 });
  });

  test("is done again when it fails, until it succeeds", async () => {
    const observed = await watching();
    let failures = 3;
    observed.api.onList(() => {
      if (failures > 0) {
        failures -= 1;
        throw new KubernetesApiError("Unavailable", "503");
      }
      return nodeList(1300, nodes);
    });
    await quietly(observed, 32, () => 1300);
    expect(observed.api.lists.length).toBe(5);
    expect(observed.source.freshness().phase).toBe("Watching");
  });
});

describe("watches that end at once and empty", () => {
  test("three in a row: listed again, and so on for as long as they do", async () => {
    const observed = await watching();
    const { api, clock, source } = observed;
    api.onList(() => nodeList(1210, [nodes[0], rawNode("b", { version: 1210, ready: "False" })]));
    api.stream().end();
    for (let ends = 0; ends < 2; ends += 1) {
      await clock.advance(10_000);
      expect(api.lists).toHaveLength(1);
      api.stream().end();
    }
    await clock.advance(10_000);
    api.stream().end();
    await clock.advance(10_000);
    expect(api.lists.slice(1)).toEqual([{ limit: "500" }]);
    expect(ofType(observed, "ViewDistrusted")).toMatchObject([{ cause: "EmptyWatches" }]);
    expect(readiness(source.nodes().get("b"))).toBe("False");
    for (let minute = 0; minute < 10; minute += 1) {
      if (api.stream().isOpen()) api.stream().end();
      await clock.advance(30_000);
    }
    expect(api.lists.length).toBeGreaterThan(3);
  });

  test("a watch that brings but a bookmark starts the count anew", async () => {
    const { api, clock } = await watching();
    for (let ends = 0; ends < 12; ends += 1) {
      if (ends % 3 === 0) api.stream().bookmark(1204 + ends);
      api.stream().end();
      await clock.advance(30_000);
    }
    expect(api.lists).toHaveLength(1);
  });

  test("a server that refuses watches is not listed for that: it is in trouble", async () => {
    const { api, clock } = await watching();
    api.onWatch(() => {
      throw new KubernetesApiError("Unavailable", "503");
    });
    api.stream().end();
    await clock.advance(10 * MINUTE);
    expect(api.lists).toHaveLength(1);
  });
});
