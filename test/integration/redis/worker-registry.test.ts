import type { Redis } from "ioredis";
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import type { Keys } from "../../../packages/shared/src/contract/keys.ts";
import type { LiveWorker } from "../../../packages/shared/src/core/hosting.ts";
import { serverAddresses } from "../../../packages/shared/src/redis/server-address.ts";
import { RedisWorkerRegistry } from "../../../packages/shared/src/redis/worker-registry.ts";
import { useRedis } from "../../support/redis.ts";

const redis = useRedis();
const SILENCE = 30_000;
const A: LiveWorker = { id: "a", node: "node-1", monitorOnly: false };
const SAID = JSON.stringify({ schema: 1, node: "node-2", monitorOnly: false });
let client: Redis;
let keys: Keys;
let registry: RedisWorkerRegistry;
beforeEach(() => {
  client = redis.connect();
  ({ keys } = redis.newCluster());
  registry = new RedisWorkerRegistry(client, keys, SILENCE);
});

const now = async (): Promise<number> => {
  const [seconds] = await client.time();
  return Number(seconds) * 1000;
};

describe("bytes that no worker wrote", () => {
  test.each<[string, (at: number) => string]>([
    ["nothing", () => ""],
    ["no instant", () => SAID],
    ["an instant alone", (at) => `${at}`],
    ["an instant of the future", (at) => `${at + 3_600_000} ${SAID}`],
    ["an instant that no number holds", () => `${"9".repeat(400)} ${SAID}`],
    ["an instant before the silence", (at) => `${at - SILENCE - 2000} ${SAID}`],
    ["an instant in other words", () => `0x10 ${SAID}`],
    ["a negative instant", () => `-5 ${SAID}`],
    ["no JSON", (at) => `${at} {`],
    ["JSON of another kind", (at) => `${at} []`],
    ["no schema", (at) => `${at} {"monitorOnly":false}`],
    ["another schema", (at) => `${at} {"schema":2,"monitorOnly":false}`],
    ["no mode", (at) => `${at} {"schema":1}`],
    ["a node that is no name", (at) => `${at} {"schema":1,"monitorOnly":false,"node":7}`],
    ["an empty node", (at) => `${at} {"schema":1,"monitorOnly":false,"node":""}`],
  ])("%s is nobody", async (_, bytes) => {
    await client.hset(keys.workers, "x", bytes(await now()));
    expect(await registry.live()).toEqual([]);
    await registry.beat(A);
    expect(await registry.live()).toEqual([A]);
  });

  test("with no sound instant, and the silent, are thrown away by the next sign of life", async () => {
    const at = await now();
    const old = `${at - SILENCE - 2000} ${SAID}`;
    await client.hset(keys.workers, {
      x: "",
      y: SAID,
      z: `${at + 3_600_000} ${SAID}`,
      old,
      b: `${at} ${SAID}`,
    });
    await registry.beat(A);
    expect(Object.keys(await client.hgetall(keys.workers)).toSorted()).toEqual(["a", "b"]);
  });

  test.each(["string", "list", "zset"])(
    "a %s in place of the hash is nobody, and is replaced",
    async (type) => {
      if (type === "string") await client.set(keys.workers, "x");
      else if (type === "list") await client.rpush(keys.workers, "x");
      else await client.zadd(keys.workers, 1, "x");
      expect(await registry.live()).toEqual([]);
      await registry.beat(A);
      expect(await registry.live()).toEqual([A]);
    },
  );

  test("whatever they are: nothing throws, and who gives a sign of life is found", async () => {
    const at = await now();
    const bytes = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.json(),
      fc
        .tuple(fc.constantFrom(at, at - 1, 0, -1, 1e308), fc.oneof(fc.json(), fc.constant(SAID)))
        .map((two) => two.join(" ")),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.string(), bytes), { maxLength: 5 }), async (entries) => {
        await client.del(keys.workers);
        for (const [id, value] of entries) await client.hset(keys.workers, `x${id}`, value);
        await registry.live();
        await registry.beat(A);
        expect(await registry.live()).toContainEqual(A);
      }),
      { numRuns: 150 },
    );
  });
});

describe("the server of Redis", () => {
  test("tells its own address", async () => {
    expect(await serverAddresses(client)).toEqual(["127.0.0.1"]);
  });

  test("that may not tell makes the question fail, and breaks nothing", async () => {
    const user = `restricted-${process.pid}`;
    await client.call("ACL", "SETUSER", user, "on", ">pw", "~*", "+@all", "-client|info");
    const restricted = client.duplicate({ username: user, password: "pw" });
    try {
      await expect(serverAddresses(restricted)).rejects.toThrow("NOPERM");
      expect(await restricted.ping()).toBe("PONG");
    } finally {
      restricted.disconnect();
      await client.call("ACL", "DELUSER", user);
    }
  });
});
