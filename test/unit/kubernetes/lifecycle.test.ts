import { describe, expect, test } from "vitest";
import { KubernetesApiError } from "@node-agent/kubernetes";
import { momentOf } from "@node-agent/shared/ports/clock.ts";
import { nodeList } from "./support/fake-api.ts";
import { observedSource, type ObservedSource } from "./support/observed-source.ts";
import { rawNode } from "./support/raw-node.ts";

const never = (): Promise<never> => new Promise(() => {});

describe("I-14: start and stop", () => {
  test("start twice is one loop", async () => {
    const { api, start } = observedSource();
    await start();
    await start();
    expect(api.lists).toHaveLength(1);
    expect(api.streams).toHaveLength(1);
  });

  const phases: Record<string, (observed: ObservedSource) => Promise<void>> = {
    "before start": async () => {},
    "during the list": async ({ api, start }) => {
      api.onList(never);
      await start();
    },
    "between two pages": async ({ api, start }) => {
      api.onList((query) => (query["continue"] === undefined ? nodeList(5, [], "2") : never()));
      await start();
    },
    "while a watch is being opened": async ({ api, start }) => {
      api.onWatch(never);
      await start();
    },
    "in the stream": async ({ start }) => start(),
    "while backing off": async ({ api, start }) => {
      api.onList(() => {
        throw new KubernetesApiError("ServerError", "no");
      });
      await start();
    },
    "while a handler owes an acceptance": async ({ api, start, onHandler }) => {
      api.onList(() => nodeList(10, [rawNode("a", { version: 5 })]));
      onHandler(() => {
        throw new Error("broken");
      });
      await start();
    },
    "while the second list is waited for": async ({ api, clock, start }) => {
      api.onList(() => nodeList(10, [rawNode("a", { version: 5 })]));
      await start();
      api.onList(() => nodeList(20, []));
      api.stream().event("ERROR", { code: 410 });
      await clock.advance(800);
    },
  };

  test.each(Object.entries(phases))("stop %s: nothing runs afterwards", async (_, enter) => {
    const observed = observedSource();
    const { api, clock, source, told } = observed;
    await enter(observed);
    const stopped = source.stop();
    await clock.settle();
    await stopped;
    const before = [told.length, api.lists.length, api.streams.length];
    expect(api.streams.every((stream) => !stream.isOpen())).toBe(true);
    expect(clock.sleepers()).toBe(0);
    await clock.advance(3_600_000);
    expect([told.length, api.lists.length, api.streams.length]).toEqual(before);
    expect(source.freshness().phase).toBe("Stopped");
  });

  test("stop waits for the handler that runs, and calls none after it", async () => {
    const { api, clock, source, told, onHandler, start } = observedSource();
    await start();
    const { promise, resolve: release } = Promise.withResolvers<void>();
    onHandler(() => promise);
    api.stream().event("ADDED", rawNode("a", { version: 5 }));
    api.stream().event("ADDED", rawNode("b", { version: 6 }));
    await clock.settle();
    let isStopped = false;
    const stopped = source.stop().then(() => (isStopped = true));
    await clock.settle();
    expect(isStopped).toBe(false);
    release();
    await stopped;
    expect(told).toEqual(["changed a"]);
  });

  test("stop between the deletions of one list: the rest is not told", async () => {
    const { api, clock, source, told, onHandler, start } = observedSource();
    const nodes = ["a", "b", "c", "d", "e"].map((name) => rawNode(name, { version: 5 }));
    api.onList(() => nodeList(10, nodes));
    await start();
    const { promise, resolve: release } = Promise.withResolvers<void>();
    onHandler(() => promise);
    api.onList(() => nodeList(20, nodes.slice(2)));
    api.stream().event("ERROR", { code: 410 });
    await clock.advance(800);
    const stopped = source.stop();
    release();
    await stopped;
    expect(told).toEqual(["changed a b c d e", "disappeared a"]);
  });

  test("stop waits no longer than its grace for a handler that hangs", async () => {
    const { api, clock, source, onHandler, start } = observedSource();
    await start();
    onHandler(never);
    api.stream().event("ADDED", rawNode("a", { version: 5 }));
    await clock.settle();
    const stopped = source.stop();
    await clock.advance(5_000);
    await expect(stopped).resolves.toBeUndefined();
    expect(api.stream().isOpen()).toBe(false);
  });

  test("stop twice, and start after stop, do nothing", async () => {
    const { api, source, start } = observedSource();
    await start();
    await source.stop();
    await source.stop();
    await start();
    expect(api.lists).toHaveLength(1);
  });
});

test("I-15: never more than one list or stream at a time, through every kind of end", async () => {
  const { api, clock, start, source } = observedSource();
  await start();
  const ends = [
    () => api.stream().end(),
    () => api.stream().fail(new KubernetesApiError("ConnectionLost", "reset")),
    () => api.stream().event("ERROR", { code: 410 }),
    () => api.stream().write("garbage\n"),
    () => {},
  ];
  for (let round = 0; round < 40; round += 1) {
    ends[round % ends.length]?.();
    await clock.advance(60_000);
  }
  expect(api.streams.length).toBeGreaterThan(20);
  expect(api.peak()).toBe(1);
  expect(source.freshness().phase).toBe("Watching");
});

describe("I-16: how fresh the view is", () => {
  test("tells phase, sync and the time of the last data", async () => {
    const { api, clock, source, start } = observedSource();
    expect(source.freshness()).toEqual({ phase: "Starting", synced: false });
    const { promise, resolve: answer } = Promise.withResolvers<unknown>();
    api.onList(() => promise);
    await start();
    expect(source.freshness()).toEqual({ phase: "Listing", synced: false });
    answer(nodeList(10, []));
    await clock.settle();
    const listedAt = clock.now();
    expect(source.freshness()).toEqual({ phase: "Watching", synced: true, lastByte: momentOf(clock) });
    await clock.advance(60_000);
    api.stream().bookmark(11);
    await clock.settle();
    expect(source.freshness().lastByte?.wall).toBe(listedAt + 60_000);
  });

  test("a server that answers with errors, or opens streams and says nothing, makes nothing fresh", async () => {
    const { api, clock, source, start } = observedSource();
    api.onList(() => nodeList(10, [rawNode("a", { version: 8 })]));
    await start();
    const { lastByte } = source.freshness();
    api.onList(() => {
      throw new KubernetesApiError("TooManyRequests", "429");
    });
    for (let round = 0; round < 20; round += 1) {
      if (round % 2 === 0) api.stream().end();
      else api.stream().event("ERROR", { code: 429 });
      await clock.advance(30_000);
    }
    expect(api.streams.length + api.lists.length).toBeGreaterThan(10);
    expect(source.freshness().lastByte?.wall).toBe(lastByte?.wall);
  });
});
