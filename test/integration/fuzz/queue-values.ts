import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { Redis, type ChainableCommander } from "ioredis";
import { keysOf } from "@node-agent/shared/contract/keys.ts";
import { QUEUES } from "@node-agent/shared/contract/queues.ts";
import { MINUTE, SECOND } from "@node-agent/shared/core/time.ts";
import { aNode } from "@node-agent/shared/testing/builders.ts";
import type { Random } from "../../../packages/simulator/src/world/random.ts";
import { createResyncQueue, type ResyncQueue } from "../../../packages/watcher/src/resync-queue.ts";
import { Fleet, quick } from "../worker/fleet.ts";
import { limitsOfCounts } from "../../support/limits.ts";
import { garbled, hostileText, hostileValue, type Fuzz } from "./hostile.ts";

/** Values of one cluster, and how many of them are written between two looks. */
const BATCH = 5000;
const STEP = 1000;
const LONGEST_VALUE = 20_000;
const WAITING = "node-0";
const EARLY = "node-1";
const NAMES = Array.from({ length: 20 }, (_, i) => `node-${i}`);
/** A worker of BullMQ rests for 15 s after an error that is not one of the connection. */
const PATIENCE = 30 * SECOND;
const PARTS = [
  "wait active paused delayed prioritized completed failed stalled waiting-children stalled-check limiter",
  "meta events pc marker id repeat repeat:resync",
].flatMap((names) => names.split(" "));
const FIELDS = ["name", "data", "opts", "stacktrace", "progress", "deid", "delay", "ats", "paused", "next"];
/** What a person orders with a queue dashboard; nobody but a person takes it back. */
const ORDERS = ["paused", "concurrency", "max", "duration"];

/**
 * Arbitrary values, of any type, in every key of BullMQ's queues, with real workers on them: nothing is called for a node
 * that is well, in its wait or before its threshold; and the next resyncs make the jobs anew, so that what is due happens.
 */
export const queueValues: Fuzz = async (random, cases) => {
  const wrong: string[] = [];
  let rounds = 0;
  let errors = 0;
  for (let written = 0; written < cases && wrong.length === 0; written += BATCH, rounds += 1) {
    errors += await round(random, wrong, Math.min(BATCH, cases));
  }
  return { wrong, told: `${rounds} rounds, ${errors} errors of queues were told` };
};

async function round(random: Random, wrong: string[], values: number): Promise<number> {
  const clients: Redis[] = [];
  const url = process.env["REDIS_URL"] ?? "";
  const connect = (): Redis => {
    const client = new Redis(url, { maxRetriesPerRequest: null, enableReadyCheck: false });
    clients.push(client);
    return client;
  };
  const cluster = `fuzz-${randomUUID()}`;
  const newCluster = () => ({ cluster, keys: keysOf(cluster) });
  const errors: Error[] = [];
  const policy = quick(5 * MINUTE, 10 * MINUTE);
  const fleet = new Fleet(
    { url: () => url, connect, newCluster },
    { ...policy, limits: limitsOfCounts({ pool: 9, zone: 9, cluster: 9 }) },
  );
  const ticks: ResyncQueue[] = [];
  /** A watcher's resync and a worker, as they come back after a restart. */
  const start = async (): Promise<void> => {
    fleet.startWorker();
    const queue = createResyncQueue({
      producer: fleet.client,
      worker: connect(),
      keys: fleet.keys,
      interval: 200,
      lockDuration: 10 * SECOND,
      stalledInterval: SECOND,
      onError: (error) => void errors.push(error),
      tick: async () => JSON.stringify(await fleet.resync()),
    });
    ticks.push(queue);
    queue.takeTicks(true);
  };
  const see = async (sick: readonly string[]): Promise<void> => {
    const nodes = NAMES.map((name) => (sick.includes(name) ? aNode(name).notReady() : aNode(name)));
    await fleet.see(...nodes).catch((error: Error) => errors.push(error));
  };
  const calls = (): string => fleet.executor.calls.map(({ target }) => target.hostname).join();
  const until = async (expected: string, when: string): Promise<void> => {
    const deadline = performance.now() + PATIENCE;
    while (calls() !== expected && performance.now() < deadline) {
      await ticks.at(-1)?.ensureScheduler();
      await delay(100);
    }
    if (calls() !== expected) wrong.push(`${when}: called for ${calls()}, expected ${expected}`);
  };
  const pass = async (): Promise<unknown> => fleet.client.hincrby(fleet.keys.view, "observed", 6 * MINUTE);

  fleet.watch();
  fleet.startPlanner();
  await start();
  await see([WAITING]);
  await ticks[0]?.ensureScheduler();
  await delay(300);
  await pass();
  await until(WAITING, "before any damage");
  await see([WAITING, EARLY]);
  await delay(300);
  for (let written = 0; written < values; written += STEP) {
    await damageQueues(random, fleet.client, fleet.keys.prefix);
    await see([WAITING, EARLY]);
    await ticks[0]?.ensureScheduler().catch((error: Error) => errors.push(error));
    await delay(100);
  }
  if (calls() !== WAITING) wrong.push(`by damaged queues: called for ${calls()}`);
  for (const queue of Object.values(QUEUES)) {
    const meta = `${fleet.keys.prefix}:${queue}:meta`;
    if ((await fleet.client.type(meta)) === "hash") await fleet.client.hdel(meta, ...ORDERS);
  }
  await start();
  await pass();
  await until(`${WAITING},${EARLY}`, "when its time had come");
  await Promise.all(ticks.map(async (queue) => queue.close()));
  await fleet[Symbol.asyncDispose]();
  const left = await clients[0]?.keys(`${fleet.keys.prefix}*`);
  if (left !== undefined && left.length > 0) await clients[0]?.del(...left);
  for (const client of clients) client.disconnect();
  return errors.length;
}

async function damageQueues(random: Random, client: Redis, prefix: string): Promise<void> {
  const queues = Object.values(QUEUES);
  const there = await client.keys(`${prefix}:*`);
  const keys = [
    ...queues.flatMap((queue) => PARTS.map((part) => `${prefix}:${queue}:${part}`)),
    ...there.filter((key) => queues.some((queue) => key.startsWith(`${prefix}:${queue}:`))),
    ...NAMES.flatMap((name) =>
      ["de", "dn"].map((kind) => `${prefix}:${QUEUES.reboots}:${kind}:node-${name}`),
    ),
  ];
  const types = await Promise.all(keys.map(async (key) => client.type(key)));
  const writes = client.pipeline();
  for (let i = 0; i < STEP; i += 1) {
    const at = random.integer(keys.length);
    const key = keys[at] ?? "";
    const isOfItsType = random.next() < 0.9 && types[at] !== "none";
    if (!isOfItsType) writes.del(key);
    write(random, writes, key, isOfItsType ? (types[at] ?? "") : "any");
  }
  await writes.exec();
}

function write(random: Random, writes: ChainableCommander, key: string, type: string): void {
  const value = valueFor(random).slice(0, LONGEST_VALUE);
  const kinds = ["hash", "list", "set", "zset", "stream", "string"];
  switch (type === "any" ? (kinds[random.integer(kinds.length)] ?? "") : type) {
    case "hash":
      return void writes.hset(key, FIELDS[random.integer(FIELDS.length * 2)] ?? hostileText(random), value);
    case "list":
      return void writes.rpush(key, value);
    case "set":
      return void writes.sadd(key, value);
    case "zset":
      return void writes.zadd(key, random.integer(2 ** 30) * 2 ** random.integer(30), value);
    case "stream":
      return void writes.xadd(key, "*", "x", value);
    default:
      return void writes.set(key, value);
  }
}

/** Garbage, and what looks like ids, payloads and instants of ours. */
function valueFor(random: Random): string {
  const name = NAMES[random.integer(NAMES.length)] ?? "";
  const known = [name, String(random.integer(50)), `{"schema":1,"node":"${name}"}`, '{"schema":1,"shard":3}'];
  const choice = random.next();
  if (choice < 0.4) return hostileText(random);
  if (choice < 0.6) return JSON.stringify(hostileValue(random));
  const own = known[random.integer(known.length)] ?? "";
  return choice < 0.8 ? own : garbled(random, own);
}
