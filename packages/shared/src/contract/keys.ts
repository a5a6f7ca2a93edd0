/**
 * Every Redis key of this project is built here. All keys of one cluster share the hash tag `{node-agent:<cluster>}`,
 * so that they live in one slot of a Redis Cluster and one script may touch several of them; clusters spread over slots.
 */

/** The keys of one cluster. Hash fields and set members are node names. */
export interface Keys {
  /** The prefix that BullMQ gets; its queues live beside our keys. */
  readonly prefix: string;
  /** Hash: node -> snapshot JSON. */
  readonly snapshots: (shard: number) => string;
  /** Hash: node -> `<resourceVersion> <uid> <fingerprint> <observed>` of that snapshot. */
  readonly versions: (shard: number) => string;
  /** Set: nodes whose newest snapshot was not judged yet. */
  readonly dirty: (shard: number) => string;
  /** Hash: node -> `<version> <record JSON>`. */
  readonly records: (shard: number) => string;
  /** Set: nodes whose record is not Healthy; the resync judges them again. */
  readonly attention: (shard: number) => string;
  /** Hash: node -> `<fingerprint> <digest of the record> <attention> <rules> <kind>` of its latest judgement. */
  readonly judged: (shard: number) => string;
  /** Hash: `n:<kind>` -> records of a kind, `t:<kind>` -> what the gauges count of each. */
  readonly tally: (shard: number) => string;
  /** Hash: the observation clock (`observed`, `until`, `at`). */
  readonly view: string;
  /** String: the highest sequence number of the ledger that any worker saw. */
  readonly sequence: string;
  /** Hash: id of a worker -> `<instant> <JSON>`, its latest sign of life. */
  readonly workers: string;
  /** String: JSON of the census, what a watcher tells of the whole fleet. */
  readonly census: string;
  /** String: JSON of the latest plan, the repairs that may proceed. */
  readonly plan: string;
  /** String: stands while a worker has the turn to plan. */
  readonly planTurn: string;
}

/** Builds the keys of a cluster. Throws RangeError when the id could break out of the hash tag. */
export function keysOf(cluster: string): Keys {
  if (!/^[A-Za-z0-9._-]{1,63}$/u.test(cluster)) {
    throw new RangeError(
      `Expected a cluster id of 1 to 63 letters, digits, ".", "_" or "-", got ${JSON.stringify(cluster)}`,
    );
  }
  const prefix = `{node-agent:${cluster}}`;
  return {
    prefix,
    snapshots: (shard) => `${prefix}:snapshots:${shard}`,
    versions: (shard) => `${prefix}:versions:${shard}`,
    dirty: (shard) => `${prefix}:dirty:${shard}`,
    records: (shard) => `${prefix}:records:${shard}`,
    attention: (shard) => `${prefix}:attention:${shard}`,
    judged: (shard) => `${prefix}:judged:${shard}`,
    tally: (shard) => `${prefix}:tally:${shard}`,
    view: `${prefix}:view`,
    sequence: `${prefix}:sequence`,
    workers: `${prefix}:workers`,
    census: `${prefix}:census`,
    plan: `${prefix}:plan`,
    planTurn: `${prefix}:plan-turn`,
  };
}

/** How many shards the nodes of a cluster are spread over; the same in every process of a cluster, for ever. */
export const SHARDS = 16;

/** The shard of a node: FNV-1a of its name, the same in every process and language. */
export function shardOf(node: string): number {
  let hash = 0x81_1c_9d_c5;
  for (let i = 0; i < node.length; i += 1) {
    hash ^= node.codePointAt(i) ?? 0;
    hash = Math.imul(hash, 0x01_00_01_93) >>> 0;
  }
  return hash % SHARDS;
}
