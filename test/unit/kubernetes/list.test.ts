import { describe, expect, test } from "vitest";
import { KubernetesApiError } from "@node-agent/kubernetes";
import { nodeList } from "./support/fake-api.ts";
import { observedSource } from "./support/observed-source.ts";
import { rawNode, readiness } from "./support/raw-node.ts";

const names = (count: number): string[] => Array.from({ length: count }, (_, index) => `n-${index}`);

/** A list script that serves these nodes in pages, as an API server does. */
function paged(version: number, nodes: readonly unknown[]) {
  return (query: Readonly<Record<string, string>>) => {
    const limit = Number(query["limit"]);
    const from = Number(query["continue"] ?? 0);
    const to = from + limit;
    return nodeList(version, nodes.slice(from, to), to < nodes.length ? String(to) : undefined);
  };
}

describe("I-3: lists in pages", () => {
  test("1,234 nodes come in pages of 500, each told as one batch", async () => {
    const { api, source, told, start } = observedSource();
    api.onList(
      paged(
        77,
        names(1234).map((name) => rawNode(name, { version: 5 })),
      ),
    );
    await start();
    expect(api.lists).toEqual([
      { limit: "500" },
      { limit: "500", continue: "500" },
      { limit: "500", continue: "1000" },
    ]);
    expect(told.map((call) => call.split(" ").length - 1)).toEqual([500, 500, 234]);
    expect(source.nodes().size).toBe(1234);
  });

  test("a 410 on page 2 starts the list again, and no node is reported gone", async () => {
    const { api, clock, source, told, start } = observedSource();
    let expire = true;
    const pages = paged(
      77,
      names(1234).map((name) => rawNode(name, { version: 5 })),
    );
    api.onList((query) => {
      if (query["continue"] === "500" && expire) {
        expire = false;
        throw new KubernetesApiError("Gone", "the provided continue parameter is too old", { status: 410 });
      }
      return pages(query);
    });
    await start();
    await clock.advance(800);
    expect(api.lists.map((query) => query["continue"] ?? "")).toEqual(["", "500", "", "500", "1000"]);
    expect(source.nodes().size).toBe(1234);
    expect(told.some((call) => call.startsWith("disappeared"))).toBe(false);
    expect(source.freshness()).toMatchObject({ phase: "Watching", synced: true });
  });

  test("a server that repeats a continue token does not hold the loop for ever", async () => {
    const { api, start, count } = observedSource();
    api.onList(() => nodeList(7, [rawNode("a", { version: 5 })], "again"));
    await start();
    expect(api.lists).toHaveLength(2);
    expect(count("ListFailed")).toBe(1);
  });

  test.each([null, {}, { metadata: {} }, { items: [] }, []])(
    "an answer that is no list is retried: %j",
    async (answer) => {
      const { api, clock, source, start } = observedSource();
      api.onList(() => answer);
      await start();
      expect(source.freshness()).toMatchObject({ phase: "BackingOff", synced: false });
      api.onList(() => nodeList(7, [rawNode("a", { version: 5 })]));
      await clock.advance(800);
      expect([...source.nodes().keys()]).toEqual(["a"]);
    },
  );
});

test("I-4: the watch goes on from the version of the first page, so that an event in between is not lost", async () => {
  const { api, source, start } = observedSource({ pageLimit: 1 });
  const [a, b] = [rawNode("a", { version: 5 }), rawNode("b", { version: 6 })];
  // A later page of a buggy or resumed list names a later version: events between the two would be lost.
  api.onList((query) => (query["continue"] === undefined ? nodeList(10, [a], "2") : nodeList(12, [b])));
  await start();
  expect(api.stream().query["resourceVersion"]).toBe("10");
  api.stream().event("MODIFIED", rawNode("a", { version: 11, ready: "False" }));
  await api.connection.close();
  await new Promise((resolve) => setImmediate(resolve));
  expect(readiness(source.nodes().get("a"))).toBe("False");
});

async function relisted(before: number, after: number) {
  const observed = observedSource();
  const { api, clock, start } = observed;
  api.onList(() =>
    nodeList(
      10,
      names(before).map((name) => rawNode(name, { version: 5 })),
    ),
  );
  await start();
  api.onList(() =>
    nodeList(
      20,
      names(after).map((name) => rawNode(name, { version: 5 })),
    ),
  );
  api.stream().event("ERROR", { kind: "Status", code: 410, reason: "Expired" });
  await clock.settle();
  return observed;
}

describe("I-19: a list that lost most of its nodes needs a second one", () => {
  test("10 -> 0: nothing is gone until the second list says so", async () => {
    const { api, clock, source, told, events } = await relisted(10, 0);
    expect(source.nodes().size).toBe(10);
    expect(told).toHaveLength(1);
    expect(events).toContainEqual({ type: "MassDisappearance", missing: 10, known: 10 });
    await clock.advance(9_999);
    expect(api.lists).toHaveLength(2);
    await clock.advance(1);
    expect(api.lists.at(-1)).toEqual({ limit: "500" });
    expect(source.nodes().size).toBe(0);
    expect(told.slice(1)).toEqual(names(10).map((name) => `disappeared ${name}`));
    expect(source.freshness().phase).toBe("Watching");
  });

  test("10 -> 4: more than half", async () => {
    const { source, told } = await relisted(10, 4);
    expect(source.nodes().size).toBe(10);
    expect(told).toHaveLength(1);
  });

  test("10 -> 5: half is believed", async () => {
    const { source, told } = await relisted(10, 5);
    expect(source.nodes().size).toBe(5);
    expect(told.slice(1)).toEqual(["n-5", "n-6", "n-7", "n-8", "n-9"].map((name) => `disappeared ${name}`));
  });

  test("nodes that the second list has again were never gone", async () => {
    const { api, clock, source, told } = await relisted(10, 0);
    api.onList(() =>
      nodeList(
        30,
        names(9).map((name) => rawNode(name, { version: 5 })),
      ),
    );
    await clock.advance(10_000);
    expect(source.nodes().size).toBe(9);
    expect(told.slice(1)).toEqual(["disappeared n-9"]);
  });

  test("a pool label taken from all nodes at once is no list of deletions", async () => {
    const { api, clock, source, told, start } = observedSource({ selector: { pools: ["p"] } });
    const pool = { "kubernetes.civo.com/node-pool": "p" };
    api.onList(() =>
      nodeList(
        10,
        names(4).map((name) => rawNode(name, { version: 5, labels: pool })),
      ),
    );
    await start();
    api.onList(() =>
      nodeList(
        20,
        names(4).map((name) => rawNode(name, { version: 15 })),
      ),
    );
    api.stream().event("ERROR", { kind: "Status", code: 410 });
    await clock.advance(800);
    expect(source.nodes().size).toBe(4);
    expect(told).toHaveLength(1);
    await clock.advance(10_000);
    expect(source.nodes().size).toBe(0);
    expect(told.slice(1)).toEqual(names(4).map((name) => `disappeared ${name}`));
  });
});

test("a listed object that is no node is counted and skipped, and its node is not reported gone", async () => {
  const { api, clock, source, told, count, start } = observedSource();
  api.onList(() => nodeList(10, [rawNode("a", { version: 5 }), rawNode("b", { version: 5 })]));
  await start();
  const broken = { metadata: { name: "b", resourceVersion: "15" } };
  api.onList(() => nodeList(20, [null, broken, "?", rawNode("a", { version: 5 })]));
  api.stream().event("ERROR", { kind: "Status", code: 410 });
  await clock.advance(800);
  expect(count("MalformedObject")).toBe(3);
  expect([...source.nodes().keys()]).toEqual(["a", "b"]);
  expect(told).toEqual(["changed a b"]);
});

test("a list whose items are null (an empty Go slice) is an empty list", async () => {
  const { api, source, start } = observedSource();
  api.onList(() => ({ metadata: { resourceVersion: "3" }, items: null }));
  await start();
  expect(source.freshness()).toMatchObject({ synced: true, phase: "Watching" });
});

test("a list replaces what was known even by older versions: etcd was restored from a backup", async () => {
  const { api, clock, source, start } = observedSource();
  api.onList(() => nodeList(100, [rawNode("a", { version: 90 })]));
  await start();
  api.onList((query) => {
    if (query["resourceVersion"] !== undefined) {
      throw new KubernetesApiError("TooLargeResourceVersion", "Too large resource version: 100, current: 50");
    }
    return nodeList(50, [rawNode("a", { version: 40, ready: "False" })]);
  });
  api.stream().event("ERROR", { kind: "Status", code: 410 });
  await clock.advance(800 + 1600);
  expect(readiness(source.nodes().get("a"))).toBe("False");
  expect(api.stream().query["resourceVersion"]).toBe("50");
  api.stream().event("MODIFIED", rawNode("a", { version: 51 }));
  await clock.settle();
  expect(readiness(source.nodes().get("a"))).toBe("True");
});
