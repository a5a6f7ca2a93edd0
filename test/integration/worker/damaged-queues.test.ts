import { expect, test } from "vitest";
import { QUEUES } from "../../../packages/shared/src/contract/queues.ts";
import { MINUTE } from "../../../packages/shared/src/core/time.ts";
import { aNode } from "../../../packages/shared/src/testing/builders.ts";
import { eventually } from "../../support/eventually.ts";
import { useRedis } from "../../support/redis.ts";
import { Fleet, quick } from "./fleet.ts";

const redis = useRedis();
const PARTS = [
  "wait active paused delayed prioritized completed failed stalled waiting-children",
  "stalled-check limiter meta events pc marker id repeat",
].flatMap((names) => names.split(" "));
/** A worker of BullMQ rests for 15 s after an error that is not one of the connection. */
const within = 25_000;

/** The calls for the sick node of a fleet whose resync goes on, as soon as there are some. */
async function called(fleet: Fleet): Promise<readonly unknown[]> {
  await eventually(
    async () => {
      await fleet.resync();
      expect(fleet.executor.calls).not.toEqual([]);
    },
    { within },
  );
  return fleet.executor.calls;
}

async function sickFleet(): Promise<Fleet> {
  const fleet = new Fleet(redis, quick(1500, 10 * MINUTE));
  fleet.startWorker();
  fleet.watch();
  await fleet.see(aNode(), aNode("node-2"));
  await eventually(async () => expect(await fleet.phase("node-1")).toBe("Healthy"));
  await fleet.see(aNode().notReady());
  await eventually(async () => expect(await fleet.reboots.getDelayedCount()).toBe(1));
  return fleet;
}

test.each([QUEUES.reboots, QUEUES.nodeSnapshots])(
  "%s with keys of other types: the due node is rebooted all the same, once",
  async (queue) => {
    await using fleet = await sickFleet();
    for (const part of PARTS) {
      const key = `${fleet.keys.prefix}:${queue}:${part}`;
      await fleet.client.del(key);
      // No key of a queue is a bitmap.
      await (part === "limiter" || part === "pc" || part === "id" || part === "stalled-check"
        ? fleet.client.rpush(key, "x")
        : fleet.client.set(key, "x"));
    }
    expect(await called(fleet)).toHaveLength(1);
  },
);

const PENDING = "node-node-1";
/** What a stranger can make of a pending reboot, without a key of another type that all of the queue meets. */
const IMPOSTORS: Readonly<Record<string, (fleet: Fleet, base: string, id: string) => Promise<unknown>>> = {
  "a hash of another type": async ({ client }, base, id) => {
    await client.del(base + id);
    await client.set(base + id, "x");
  },
  "data that are no JSON": async ({ client }, base, id) => client.hset(base + id, "data", "{"),
  "options that are no JSON": async ({ client }, base, id) => client.hset(base + id, "opts", "{"),
  "a trace that is no JSON": async ({ client }, base, id) => client.hset(base + id, "stacktrace", "{"),
  "the name of another node": async ({ client }, base, id) => client.hset(base + id, "name", "node-2"),
  "no place in any list": async ({ client }, base, id) => client.zrem(`${base}delayed`, id),
  "a time in years": async ({ client }, base, id) => client.zadd(`${base}delayed`, 2 ** 60, id),
  "no hash": async ({ client }, base, id) => client.del(base + id),
  "a deduplication key of another type": async ({ client }, base) => {
    await client.del(`${base}de:${PENDING}`);
    await client.rpush(`${base}de:${PENDING}`, "x");
  },
  "a deduplication key that leads to nothing": async ({ client }, base) =>
    client.set(`${base}de:${PENDING}`, "nothing"),
  "a counter that counts nothing": async ({ client }, base, id) => {
    await client.set(`${base}id`, "x");
    await client.zrem(`${base}delayed`, id);
    await client.del(`${base}de:${PENDING}`);
  },
};

test.each(Object.keys(IMPOSTORS))(
  "a pending reboot with %s does not keep its node from being rebooted",
  async (what) => {
    await using fleet = await sickFleet();
    const id = (await fleet.reboots.getDeduplicationJobId(PENDING)) ?? "";
    expect(id).not.toBe("");
    await IMPOSTORS[what]?.(fleet, `${fleet.keys.prefix}:${QUEUES.reboots}:`, id);
    expect(await called(fleet)).toHaveLength(1);
  },
);
