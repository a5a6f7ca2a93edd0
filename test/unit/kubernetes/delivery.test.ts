import { describe, expect, test } from "vitest";
import { nodeList } from "./support/fake-api.ts";
import { observedSource, type ObservedSource } from "./support/observed-source.ts";
import { rawNode } from "./support/raw-node.ts";

async function watching(): Promise<ObservedSource> {
  const observed = observedSource();
  observed.api.onList(() => nodeList(10, [rawNode("a", { version: 8 }), rawNode("b", { version: 9 })]));
  await observed.start();
  observed.told.length = 0;
  return observed;
}

const failing = {
  "throws at once": () => {
    throw new Error("handler is broken");
  },
  rejects: () => Promise.reject(new Error("handler is broken")),
  "throws what is no error": () => Promise.reject("text"),
};

describe("I-13: a handler that fails stops nothing", () => {
  test.each(Object.entries(failing))(
    "%s: counted, the stream goes on, the change is told again",
    async (_, act) => {
      const { api, clock, told, count, onHandler, source } = await watching();
      onHandler(act);
      api.stream().event("MODIFIED", rawNode("a", { version: 11, ready: "False" }));
      await clock.settle();
      expect(told).toEqual(["changed a"]);
      expect(count("HandlerFailed")).toBe(1);
      expect(source.freshness().phase).toBe("Watching");
      onHandler(() => {});
      api.stream().event("MODIFIED", rawNode("b", { version: 12, ready: "False" }));
      await clock.advance(800);
      expect(told).toEqual(["changed a", "changed b", "changed a"]);
      expect(api.streams).toHaveLength(1);
    },
  );

  test("failures are counted by handler", async () => {
    const { api, clock, events, onHandler } = await watching();
    const error = new Error("broken");
    onHandler(() => {
      throw error;
    });
    api.stream().event("DELETED", rawNode("a", { version: 11 }));
    await clock.settle();
    expect(events).toContainEqual({ type: "HandlerFailed", handler: "disappeared", error });
  });

  test("during the list it does not keep the source from watching", async () => {
    const { api, clock, told, onHandler, source, start } = observedSource();
    api.onList(() => nodeList(10, [rawNode("a", { version: 8 })]));
    onHandler(() => {
      throw new Error("broken");
    });
    await start();
    expect(source.freshness()).toMatchObject({ phase: "Watching", synced: true });
    onHandler(() => {});
    await clock.advance(800);
    expect(told).toEqual(["changed a", "changed a"]);
  });

  test("one that never comes back counts as failed after a minute", async () => {
    const { api, clock, told, count, onHandler } = await watching();
    onHandler((call) => (call === "changed a" ? new Promise(() => {}) : undefined));
    api.stream().event("MODIFIED", rawNode("a", { version: 11, ready: "False" }));
    api.stream().event("MODIFIED", rawNode("b", { version: 12, ready: "False" }));
    await clock.advance(59_999);
    expect(told).toEqual(["changed a"]);
    await clock.advance(1);
    expect(count("HandlerFailed")).toBe(1);
    expect(told).toEqual(["changed a", "changed b"]);
  });

  test("what counts events may throw as well", async () => {
    const observed = observedSource({
      onEvent: () => {
        throw new Error("metrics are broken");
      },
    });
    observed.api.onList(() => nodeList(10, [rawNode("a", { version: 8 })]));
    await observed.start();
    expect(observed.told).toEqual(["changed a"]);
    expect(observed.source.freshness().phase).toBe("Watching");
  });
});

describe("I-12: the version moves on only after the handler has accepted", () => {
  test("a stream that breaks between event and acceptance is resumed before the event", async () => {
    const { api, clock, onHandler } = await watching();
    api.stream().event("MODIFIED", rawNode("a", { version: 11, ready: "False" }));
    await clock.settle();
    onHandler(() => {
      throw new Error("broken");
    });
    api.stream().event("MODIFIED", rawNode("a", { version: 12, ready: "Unknown" }));
    api.stream().bookmark(13);
    await clock.advance(2_000);
    api.stream().end();
    await clock.settle();
    expect(api.stream().query["resourceVersion"]).toBe("11");
  });

  test("and after the acceptance from the newest", async () => {
    const { api, clock, onHandler } = await watching();
    onHandler(() => {
      throw new Error("broken");
    });
    api.stream().event("MODIFIED", rawNode("a", { version: 12, ready: "Unknown" }));
    api.stream().bookmark(13);
    await clock.settle();
    onHandler(() => {});
    await clock.advance(2_000);
    api.stream().end();
    await clock.settle();
    expect(api.stream().query["resourceVersion"]).toBe("13");
  });
});

describe("what a handler owes is offered again", () => {
  test("as the newest state of each node, in one call", async () => {
    const { api, clock, told, snapshots, onHandler } = await watching();
    onHandler(() => {
      throw new Error("Redis is down");
    });
    api.stream().event("MODIFIED", rawNode("a", { version: 11, ready: "False" }));
    api.stream().event("MODIFIED", rawNode("b", { version: 12, ready: "False" }));
    api.stream().event("MODIFIED", rawNode("a", { version: 13, ready: "Unknown" }));
    await clock.settle();
    onHandler(() => {});
    told.length = 0;
    snapshots.length = 0;
    await clock.advance(800);
    expect(told).toEqual(["changed a b"]);
    expect(snapshots.map(({ resourceVersion }) => resourceVersion)).toEqual(["13", "12"]);
    await clock.advance(600_000);
    expect(told).toEqual(["changed a b"]);
  });

  test("one node that the handler cannot digest holds up no other", async () => {
    const { api, clock, told, onHandler } = await watching();
    onHandler(() => {
      throw new Error("Redis is down");
    });
    api.stream().event("MODIFIED", rawNode("a", { version: 11, ready: "False" }));
    api.stream().event("MODIFIED", rawNode("b", { version: 12, ready: "False" }));
    await clock.settle();
    told.length = 0;
    onHandler((call) => {
      if (/\ba\b/.test(call)) throw new Error("poison");
    });
    await clock.advance(800);
    expect(told).toEqual(["changed a b", "changed a", "changed b"]);
    await clock.advance(1_600);
    expect(told.slice(3)).toEqual(["changed a"]);
  });

  test("a deletion replaces the change that was owed, and the other way round", async () => {
    const { api, clock, told, onHandler } = await watching();
    onHandler(() => {
      throw new Error("Redis is down");
    });
    api.stream().event("MODIFIED", rawNode("a", { version: 11, ready: "False" }));
    api.stream().event("DELETED", rawNode("a", { version: 12 }));
    api.stream().event("DELETED", rawNode("b", { version: 13 }));
    api.stream().event("ADDED", rawNode("b", { version: 14, uid: "new-b" }));
    await clock.settle();
    told.length = 0;
    onHandler(() => {});
    await clock.advance(800);
    expect(told.toSorted()).toEqual(["changed b", "disappeared a"]);
  });

  test("a store that is down is not hammered: a handful of calls a minute for 400 nodes", async () => {
    const { api, clock, told, onHandler } = await watching();
    onHandler(() => {
      throw new Error("Redis is down");
    });
    for (let index = 0; index < 400; index += 1) {
      api.stream().event("ADDED", rawNode(`n-${index}`, { version: 20 + index }));
    }
    await clock.settle();
    told.length = 0;
    await clock.advance(600_000);
    expect(told.length).toBeLessThan(4 * 30);
  });
});
