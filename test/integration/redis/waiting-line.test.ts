import { describe, expect, test } from "vitest";
import { RedisWaitingLine } from "../../../packages/shared/src/redis/waiting-line.ts";
import { MemoryWaitingLine } from "../../../packages/shared/src/testing/memory-waiting-line.ts";
import type { WaitingLine } from "../../../packages/shared/src/ports/waiting-line.ts";
import type { Waiting } from "../../../packages/shared/src/core/storm/turns.ts";
import { useRedis } from "../../support/redis.ts";

const redis = useRedis();
const place = (node: string, over: Partial<Waiting> = {}): Waiting => ({
  node,
  since: 1,
  budget: "Pool",
  pool: "blue",
  until: 2,
  ...over,
});
const newRedis = () => {
  const { keys } = redis.newCluster();
  const client = redis.connect();
  return { client, keys, line: new RedisWaitingLine(client, keys) };
};

describe.each<[string, () => WaitingLine]>([
  ["memory", () => new MemoryWaitingLine()],
  ["Redis", () => newRedis().line],
])("WaitingLine contract: %s", (_, create) => {
  test("keeps a place per node, as it was said last, until it is given up", async () => {
    const line = create();
    expect(await line.places()).toEqual([]);
    await line.join(place("a"));
    await line.join(place("b", { budget: "Cluster" }));
    await line.join(place("a", { until: 9 }));
    const places = await line.places();
    expect(places).toHaveLength(2);
    expect(places.find(({ node }) => node === "a")).toMatchObject(place("a", { until: 9 }));
    expect(await line.leave("a")).toBe(true);
    expect(await line.leave("a")).toBe(false);
    expect(await line.places()).toMatchObject([place("b", { budget: "Cluster" })]);
  });
});

describe("what a stranger writes into the line", () => {
  test.each(["", "{", "null", '{"schema":2}', '{"schema":1,"node":"x"}', '"'.repeat(99)])(
    "%j is nobody's place",
    async (bytes) => {
      const { client, keys, line } = newRedis();
      await line.join(place("a"));
      await client.hset(keys.line, "evil", bytes);
      expect(await line.places()).toMatchObject([place("a")]);
    },
  );

  test("under another name than its own is nobody's place", async () => {
    const { client, keys, line } = newRedis();
    await line.join(place("a"));
    await client.hset(keys.line, "b", String(await client.hget(keys.line, "a")));
    expect(await line.places()).toMatchObject([place("a")]);
  });

  test("of another type is thrown away", async () => {
    const { client, keys, line } = newRedis();
    for (const act of [
      async () => line.join(place("a")),
      async () => line.places(),
      async () => line.leave("a"),
    ]) {
      await client.del(keys.line);
      await client.set(keys.line, "x");
      await act();
      await line.join(place("b"));
      expect(await line.places()).toMatchObject([place("b")]);
    }
  });
});
