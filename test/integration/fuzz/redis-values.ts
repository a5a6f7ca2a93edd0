import { randomUUID } from "node:crypto";
import { Redis, type ChainableCommander } from "ioredis";
import { keysOf, SHARDS, shardOf, type Keys } from "@node-agent/shared/contract/keys.ts";
import type { NodeSnapshot } from "@node-agent/shared/core/node.ts";
import { aNode } from "@node-agent/shared/testing/builders.ts";
import type { Random } from "../../../packages/simulator/src/world/random.ts";
import { agentOn } from "../redis/hostile-agent.ts";
import { garbled, hostileText, hostileValue, mutated, type Fuzz } from "./hostile.ts";

const NODES = 100;
/** Values that are written between two rounds of work. */
const BATCH = 500;
/** Longer ones add nothing but the garbage of the client that writes them. */
const LONGEST_VALUE = 20_000;
const MOST_TICKS = 20;
const WHERE = [
  "snapshots",
  "versions",
  "records",
  "dirty",
  "attention",
  "view",
  "calls",
  "sequence",
] as const;
type Where = (typeof WHERE)[number];

/** Arbitrary values in every key: whatever stands in Redis, a healthy fleet is never rebooted; resyncs heal what the next change of each node meets. */
export const redisValues: Fuzz = async (random, cases) => {
  const client = new Redis(process.env["REDIS_URL"] ?? "", { maxRetriesPerRequest: null });
  const wrong: string[] = [];
  const names = Array.from({ length: NODES }, (_, i) => `node-${i}`);
  let rounds = 0;
  let faults = 0;
  for (let written = 0; written < cases && wrong.length === 0; written += BATCH, rounds += 1) {
    const keys = keysOf(`fuzz-${randomUUID()}`);
    const it = agentOn(
      client,
      keys,
      silent(() => (faults += 1)),
    );
    const fleet = (version: number): NodeSnapshot[] =>
      names.map((name, i) =>
        aNode(name)
          .resourceVersion(version + i)
          .label("topology.kubernetes.io/zone", `z${version}`)
          .snapshot(),
      );
    it.place(...fleet(1000));
    const work = async (): Promise<void> => {
      await it.snapshots.beat(0);
      await it.resync();
      await it.judgeAll();
    };
    await work();
    const own = await ownBytes(client, keys, names);
    const writes = client.pipeline();
    for (let i = 0; i < BATCH; i += 1) damage(random, writes, keys, names, own);
    await writes.exec();
    for (let i = 0; i < 20; i += 1) await it.activate(names[random.integer(NODES)] ?? "");
    const sick = async (): Promise<string[]> => {
      const states = await Promise.all(names.map(async (name) => it.store.get(name)));
      return names.filter((_, i) => states[i]?.record?.phase !== "Healthy");
    };
    // Damage that stands where nobody looks is found with the next change of the node.
    it.place(...fleet(2000));
    // One tick makes good what it can with a limited number of reads; so much damage takes some.
    for (let tick = 0; tick < MOST_TICKS && (tick < 3 || (await sick()).length > 0); tick += 1) await work();
    for (let i = 0; i < 20; i += 1) await it.activate(names[random.integer(NODES)] ?? "");
    for (const { target } of it.executor.calls) wrong.push(`${target.hostname} was rebooted, and is well`);
    for (const name of await sick()) wrong.push(`${name} is not healthy after ${MOST_TICKS} resyncs`);
    await forget(client, keys);
  }
  client.disconnect();
  return { wrong, told: `${rounds} rounds, ${faults} faults were told` };
};

/** What the agent itself had written, as a start for damage that looks right. */
async function ownBytes(client: Redis, keys: Keys, names: readonly string[]): Promise<Record<Where, string>> {
  const [name = ""] = names;
  const of = async (key: string): Promise<string> => (await client.hget(key, name)) ?? "";
  const bytes = { dirty: "", attention: "", calls: "", sequence: "1", view: "123456" };
  const shard = shardOf(name);
  return {
    ...bytes,
    snapshots: await of(keys.snapshots(shard)),
    versions: await of(keys.versions(shard)),
    records: await of(keys.records(shard)),
  };
}

function damage(
  random: Random,
  writes: ChainableCommander,
  keys: Keys,
  names: readonly string[],
  own: Record<Where, string>,
): void {
  const where = WHERE[random.integer(WHERE.length)] ?? "records";
  const name = random.next() < 0.85 ? (names[random.integer(names.length)] ?? "") : hostileText(random);
  const value = valueFor(random, own[where]).slice(0, LONGEST_VALUE);
  const key = keys[where];
  const place = typeof key === "string" ? key : key(shardOf(name));
  if (where === "sequence") writes.set(place, value);
  else if (where === "calls") writes.zadd(place, random.integer(2 ** 40), value);
  else if (where === "dirty" || where === "attention") writes.sadd(place, name);
  else if (where === "view")
    writes.hset(place, ["observed", "until", "at", name][random.integer(4)] ?? "", value);
  else writes.hset(place, name, value);
}

function valueFor(random: Random, own: string): string {
  const choice = random.next();
  if (choice < 0.3) return hostileText(random);
  if (choice < 0.5) return JSON.stringify(hostileValue(random));
  if (choice < 0.7) return garbled(random, own);
  const [version = "", ...json] = own.split(" ");
  if (!own.includes("{")) return `${hostileText(random)} ${hostileText(random)} ${hostileText(random)}`;
  const whole = own.startsWith("{");
  const parsed = JSON.parse(whole ? own : json.join(" ")) as object;
  const spoiled = JSON.stringify(mutated(random, parsed, 4));
  return whole ? spoiled : `${version} ${spoiled}`;
}

async function forget(client: Redis, keys: Keys): Promise<void> {
  const sharded = [keys.snapshots, keys.versions, keys.dirty, keys.records, keys.attention];
  const all = Array.from({ length: SHARDS }, (_, shard) => sharded.map((key) => key(shard))).flat();
  await client.del(...all, keys.view, keys.calls, keys.sequence);
}

const nothing = (): void => {};

function silent(onFault: () => void): Parameters<typeof agentOn>[2] {
  return {
    judged: nothing,
    held: nothing,
    requested: nothing,
    answered: nothing,
    verified: nothing,
    recalled: nothing,
    fault: onFault,
  };
}
