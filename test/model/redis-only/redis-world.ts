/**
 * The protocol without a ledger: the window is kept in Redis alone. It shows what Redis can and cannot be trusted with,
 * with a concrete Redis: two copies, asynchronous replication, failover, split brain, loss and forgery.
 */
export interface RedisWorld {
  readonly name: string;
  /** What the worker keeps in Redis, and when. */
  readonly variant: RedisVariant;
  /** What may happen to Redis, any number of times. Crashes and lost requests and replies always happen. */
  readonly faults: readonly RedisFault[];
  readonly workers: number;
  readonly wait: number;
  readonly sendDeadline: number;
  readonly callDeadline: number;
  /** How long a lock of the variants that take one lives. */
  readonly lease: number;
}

/**
 * `WriteAhead`: the window is written, atomically with the check, before the call. `AfterTheCall`: a lock with a lease, and
 * the window when the call came back. `TimeoutIsFailure`: as `WriteAhead`, but a call without an answer frees the window.
 */
export type RedisVariant = "WriteAhead" | "AfterTheCall" | "TimeoutIsFailure";

/**
 * `Failover`: the replica takes over with what it has, and every client follows. `SplitBrain`: it takes over while
 * clients still talk to the old one. `Flush`: everything is gone. `Forge`: somebody writes that nothing is to be waited for.
 */
export const REDIS_FAULTS = ["Failover", "SplitBrain", "Flush", "Forge"] as const;
export type RedisFault = (typeof REDIS_FAULTS)[number];

/** The smallest world, with a perfect Redis. */
function aRedisWorld(changes: Partial<RedisWorld>): RedisWorld {
  return {
    name: "a perfect Redis",
    variant: "WriteAhead",
    faults: [],
    workers: 2,
    wait: 3,
    sendDeadline: 1,
    callDeadline: 1,
    lease: 2,
    ...changes,
  };
}

/** Worlds of Redis alone in which I1 and I2 hold, and those in which a promise breaks. */
export const REDIS_WORLDS: readonly { readonly world: RedisWorld; readonly breaks?: "I1" | undefined }[] = [
  { world: aRedisWorld({ name: "Redis alone, perfect", workers: 3 }) },
  ...REDIS_FAULTS.map((fault) => ({
    world: aRedisWorld({ name: `Redis alone, ${fault}`, faults: [fault] }),
    breaks: "I1" as const,
  })),
  {
    world: aRedisWorld({ name: "Redis alone, window after the call", variant: "AfterTheCall" }),
    breaks: "I1",
  },
  {
    world: aRedisWorld({ name: "Redis alone, timeout is failure", variant: "TimeoutIsFailure" }),
    breaks: "I1",
  },
];
