import { setTimeout as delay } from "node:timers/promises";
import type { Redis } from "ioredis";
import { shardOf, type Keys } from "@node-agent/shared/contract/keys.ts";

/** Pause between two looks; a look itself takes well under a millisecond. Figures are too large by at most both. */
const RESOLUTION = 1;

/** Longest that a change may take before the run is given up. */
const DEADLINE = 20_000;

/**
 * Looks at the records of nodes again and again until each has the phase; calls `reached` for each as soon as that is
 * seen. Throws when it takes longer than 20 s.
 */
export async function untilPhase(
  client: Redis,
  keys: Keys,
  nodes: readonly string[],
  phase: string,
  reached: (node: string) => void,
): Promise<void> {
  const left = new Set(nodes);
  const deadline = performance.now() + DEADLINE;
  while (left.size > 0) {
    if (performance.now() > deadline)
      throw new Error(`${left.size} nodes are not ${phase} after ${DEADLINE} ms`);
    const shards = [...Map.groupBy(left, shardOf)];
    const answers = await Promise.all(
      shards.map(async ([shard, names]) => client.hmget(keys.records(shard), ...names)),
    );
    for (const [index, [, names]] of shards.entries()) {
      for (const [position, name] of names.entries()) {
        if (phaseIn(answers[index]?.[position]) === phase && left.delete(name)) reached(name);
      }
    }
    if (left.size > 0) await delay(RESOLUTION);
  }
}

/** How many nodes are in this phase. */
export async function countInPhase(
  client: Redis,
  keys: Keys,
  shards: number,
  phase: string,
): Promise<number> {
  const all = await Promise.all(
    Array.from({ length: shards }, async (_, shard) => client.hgetall(keys.records(shard))),
  );
  return all.flatMap((records) => Object.values(records)).filter((raw) => phaseIn(raw) === phase).length;
}

/** The phase in a stored record, without parsing the rest: looking must cost little beside what is looked at. */
function phaseIn(raw: string | null | undefined): string | undefined {
  return /"phase":"(\w+)"/u.exec(raw ?? "")?.[1];
}

/** Round trips to Redis as they are now, in milliseconds: what one step of anything costs at the least. */
export async function roundTrips(client: Redis, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < count; i += 1) {
    const startedAt = performance.now();
    await client.ping();
    times.push(performance.now() - startedAt);
  }
  return times;
}
