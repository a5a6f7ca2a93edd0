import type { ChainableCommander, Redis } from "ioredis";
import { shardOf, type Keys } from "@node-agent/shared/contract/keys.ts";
import { decodeRecord } from "@node-agent/shared/redis/record-codec.ts";
import type { Random } from "../../../packages/simulator/src/world/random.ts";
import { garbled, hostileText, hostileValue, mutated } from "./hostile.ts";

/** Longer ones add nothing but the garbage of the client that writes them. */
const LONGEST_VALUE = 20_000;
/** Every key of contract/keys.ts; the compiler names one that is missing. */
const WHERE = Object.keys({
  snapshots: 1,
  versions: 1,
  records: 1,
  dirty: 1,
  attention: 1,
  judged: 1,
  tally: 1,
  view: 1,
  sequence: 1,
  workers: 1,
  census: 1,
  plan: 1,
  planTurn: 1,
} satisfies Record<Where, 1>) as Where[];
/** The id of the worker whose sign of life stands beside the damage. */
export const WORKER = "worker";
type Where = Exclude<keyof Keys, "prefix">;

/** What the agent itself had written, as a start for damage that looks right. */
export async function ownBytes(
  client: Redis,
  keys: Keys,
  names: readonly string[],
): Promise<Record<Where, string>> {
  const [name = ""] = names;
  const of = async (key: string): Promise<string> => (await client.hget(key, name)) ?? "";
  const bytes = { dirty: "", attention: "", sequence: "1", view: "123456" };
  const shard = shardOf(name);
  return {
    ...bytes,
    snapshots: await of(keys.snapshots(shard)),
    versions: await of(keys.versions(shard)),
    records: await of(keys.records(shard)),
    judged: await of(keys.judged(shard)),
    tally: "1",
    workers: (await client.hget(keys.workers, WORKER)) ?? "",
    census: JSON.stringify({ nodes: 3, silent: 0, byPool: {}, byZone: {}, claimants: {} }),
    plan: JSON.stringify({ at: 8e15, proceed: [] }),
    planTurn: "1",
  };
}

/**
 * Writes one arbitrary value into one of our keys. `early` is a node that is sick
 * before its time: clocks that are forged so that they can be read shorten its threshold, as SECURITY.md says, and so
 * these are the only bytes that are not written for it.
 */
export function damage(
  random: Random,
  writes: ChainableCommander,
  keys: Keys,
  names: readonly string[],
  early: string,
  own: Record<Where, string>,
): void {
  const where = WHERE[random.integer(WHERE.length)] ?? "records";
  const name = random.next() < 0.85 ? (names[random.integer(names.length)] ?? "") : hostileText(random);
  const value = valueFor(random, own[where]).slice(0, LONGEST_VALUE);
  const place = placeOf(keys, where, name);
  if (where === "sequence") writes.set(place, value);
  else if (where === "dirty" || where === "attention") writes.sadd(place, name);
  else if (where === "view") {
    const field = ["observed", "until", "since", name][random.integer(4)] ?? "";
    if (field !== "observed" || !/^\d+$/u.test(value)) writes.hset(place, field, value);
  } else if (where !== "records" || name !== early || decodeRecord(name, value).record === undefined) {
    writes.hset(place, name, value);
  }
}

function placeOf(keys: Keys, where: Where, name: string): string {
  const key = keys[where];
  return typeof key === "string" ? key : key(shardOf(name));
}

/** Puts a key of any type in the place of one of ours. */
export function replaceKey(
  random: Random,
  writes: ChainableCommander,
  keys: Keys,
  names: readonly string[],
): void {
  const where = WHERE[random.integer(WHERE.length)] ?? "records";
  const place = placeOf(keys, where, names[random.integer(names.length)] ?? "");
  const value = hostileText(random);
  writes.del(place);
  switch (random.integer(5)) {
    case 0:
      return void writes.rpush(place, value);
    case 1:
      return void writes.set(place, value);
    case 2:
      return void writes.sadd(place, value);
    case 3:
      return void writes.zadd(place, 1, value);
    default:
      return void writes.xadd(place, "*", "x", value);
  }
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
