import type { Config } from "@node-agent/shared/runtime/config/config.ts";
import { describeRedis } from "@node-agent/shared/runtime/config/redis-url.ts";
import { SECOND, type Millis } from "@node-agent/shared/core/time.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import { deadlineSignal } from "@node-agent/shared/runtime/deadline.ts";
import { createLogger } from "@node-agent/shared/runtime/logger.ts";
import { connectRedis, type RedisConnection } from "@node-agent/shared/runtime/redis-connection.ts";
import { awaitConnection } from "@node-agent/shared/runtime/redis-server.ts";
import { CliError, messageOf } from "./errors.ts";

/** How long a person waits for Redis: a connection of an agent tries for ever, this one gives up. */
const PATIENCE: Millis = 3 * SECOND;

/** Redis for the length of one command. Throws `CliError` when it cannot be reached or a command fails. */
export async function withRedis<T>(
  { redis: settings, timings, cluster }: Config,
  clock: Clock,
  use: (connection: RedisConnection) => Promise<T>,
): Promise<T> {
  let latest: unknown;
  const connection = connectRedis(settings, "store", {
    // Errors are told once, at the end, in words.
    logger: createLogger({ role: "cli", cluster, level: "fatal" }),
    clock,
    connectTimeout: timings.redisConnectTimeout,
    onError: (error) => {
      latest = error;
    },
  });
  try {
    using deadline = deadlineSignal(clock, PATIENCE, new AbortController().signal);
    await awaitConnection(connection, settings, deadline.signal);
    return await use(connection);
  } catch (error) {
    if (error instanceof CliError) throw error;
    const why = messageOf(latest ?? error);
    throw new CliError("Redis", `Redis at ${describeRedis(settings)} does not answer: ${why}`, {
      cause: error,
    });
  } finally {
    connection.disconnect();
  }
}
