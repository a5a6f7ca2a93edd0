import type { Clock } from "../ports/clock.ts";
import type { Config } from "./config/config.ts";
import { createErrorLimiter } from "./error-limiter.ts";
import type { CheckOutcome } from "./http.ts";
import type { Component } from "./lifecycle.ts";
import type { Logger } from "./logger.ts";
import type { Metrics } from "./metrics/metrics.ts";
import { connectRedis, type RedisConnection, type RedisPurpose } from "./redis-connection.ts";
import { awaitConnection, awaitRedis } from "./redis-server.ts";

/** The connections of one process, one per purpose, with one place for their errors. */
export interface RedisSet {
  /** Waits for Redis as long as it takes: for BullMQ's consumers. */
  readonly worker: RedisConnection;
  /** Fails at once while Redis is away: for adding jobs. */
  readonly producer: RedisConnection;
  /** Fails at once while Redis is away: for our own keys. */
  readonly store: RedisConnection;
  /** For `/readyz`. */
  readonly check: () => CheckOutcome;
  /** Takes the errors of queues and workers, which repeat those of the connections. */
  readonly onError: (error: unknown) => void;
  readonly component: Component;
}

/** What a set of connections is made of. */
export interface RedisSetDeps {
  readonly config: Config;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

/** Opens the connections of a process; nothing is known of Redis yet. */
export function openRedis({ config, logger, metrics, clock }: RedisSetDeps): RedisSet {
  const connect = (purpose: RedisPurpose): RedisConnection =>
    connectRedis(config.redis, purpose, {
      logger,
      clock,
      connectTimeout: config.timings.redisConnectTimeout,
      onError: () => metrics.observeRedisError(purpose),
    });
  const worker = connect("worker");
  const producer = connect("producer");
  const store = connect("store");
  const limiter = createErrorLimiter({ logger, clock, message: "queue error; retrying" });
  return {
    worker,
    producer,
    store,
    check: () => ({ ok: store.status === "ready", detail: store.status }),
    onError: (error) => limiter.report(error),
    component: {
      name: "redis",
      stop: async () => {
        for (const connection of [worker, producer, store]) connection.disconnect();
      },
    },
  };
}

/** Waits until every connection of the set stands and Redis is fit. Throws `CannotStartError` when it is not. */
export async function redisReady(set: RedisSet, deps: RedisSetDeps, signal: AbortSignal): Promise<void> {
  const { config, logger, clock } = deps;
  const settings = config.redis;
  await awaitRedis({ connection: set.store, settings, logger, clock, signal });
  const others = [set.worker, set.producer];
  await Promise.all(others.map(async (connection) => awaitConnection(connection, settings, signal)));
}
