import { Cluster, Redis, type RedisOptions } from "ioredis";
import { SECOND, type Millis } from "../core/time.ts";
import type { Clock } from "../ports/clock.ts";
import { describeRedis, type RedisSettings } from "./config/redis-url.ts";
import { createErrorLimiter } from "./error-limiter.ts";
import type { Logger } from "./logger.ts";

/**
 * What a connection is for. `worker`: BullMQ workers and anything that may wait for Redis as long as it takes.
 * `producer` and `store`: commands fail at once while Redis is away, so that callers notice and resync later, instead
 * of piling up in memory.
 */
export type RedisPurpose = "worker" | "producer" | "store";

/** A client of any of the three kinds of Redis. */
export type RedisConnection = Redis | Cluster;

/** What a connection needs besides its settings. */
export interface RedisConnectionDeps {
  readonly logger: Logger;
  readonly clock: Clock;
  readonly connectTimeout: Millis;
  /** Told of every error, also of those left out of the log; for a metric. */
  readonly onError?: (error: unknown) => void;
}

/** A worker blocks for up to 10 s in one command; silence beyond that with a command under way is a dead server. */
const SOCKET_TIMEOUT: Millis = 15 * SECOND;
const LONGEST_RETRY: Millis = 2 * SECOND;
const FIRST_RETRY: Millis = 50;

/** 50 ms, doubled each time, 2 s at most: an outage ends for us within seconds of its end. */
function retryDelay(times: number): Millis {
  const longest = Math.min(FIRST_RETRY * 2 ** Math.min(times, 10), LONGEST_RETRY);
  return Math.round(longest * (0.5 + Math.random() / 2));
}

/**
 * A demoted master refuses writes: reconnect (2 also re-sends the refused command, which did not run) instead of being
 * refused 3,100 times a second.
 */
function reconnectOnError(error: Error): 2 | false {
  return error.message.startsWith("READONLY") ? 2 : false;
}

function commonOptions(settings: RedisSettings, purpose: RedisPurpose, connectTimeout: Millis) {
  const { tls, username, password } = settings;
  return {
    connectionName: `node-agent-${purpose}`,
    connectTimeout,
    socketTimeout: SOCKET_TIMEOUT,
    maxRetriesPerRequest: purpose === "worker" ? null : 1,
    reconnectOnError,
    ...(tls && { tls: {} }),
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password: password.reveal() }),
  } satisfies RedisOptions;
}

function open(settings: RedisSettings, purpose: RedisPurpose, connectTimeout: Millis): RedisConnection {
  const common = commonOptions(settings, purpose, connectTimeout);
  const waits = { enableOfflineQueue: purpose === "worker" };
  switch (settings.kind) {
    case "standalone": {
      const { host, port, db } = settings;
      return new Redis({ ...common, ...waits, host, port, db, retryStrategy: retryDelay });
    }
    case "sentinel": {
      const { sentinels, name, db, tls, sentinelPassword } = settings;
      return new Redis({
        ...common,
        ...waits,
        sentinels: sentinels.map(({ host, port }) => ({ host, port })),
        name,
        db,
        retryStrategy: retryDelay,
        sentinelRetryStrategy: retryDelay,
        // Without it clients stay on a demoted master for 10 s, and what they write there is lost.
        failoverDetector: true,
        ...(tls && { enableTLSForSentinelMode: true, sentinelTLS: {} }),
        ...(sentinelPassword !== undefined && { sentinelPassword: sentinelPassword.reveal() }),
      });
    }
    case "cluster":
      return new Cluster(
        settings.nodes.map(({ host, port }) => ({ host, port })),
        {
          ...waits,
          redisOptions: common,
          clusterRetryStrategy: retryDelay,
          // A connect() whose ready check fails never settles (ioredis pull request 741), and BullMQ waits for it: a failover
          // would park its workers for good. Commands of a Cluster that is down are retried all the same.
          enableReadyCheck: false,
          // The default of 16 redirections rejects commands in the middle of a failover (shared facts, queues 5).
          maxRedirections: 100,
          retryDelayOnFailover: 200,
          retryDelayOnClusterDown: 200,
        },
      );
  }
}

/**
 * Opens a connection, which connects by itself and for ever. Errors are logged once per kind and interval, without
 * user, password or command arguments. The caller closes it (`disconnect()`, or `quit()` while Redis answers).
 */
export function connectRedis(
  settings: RedisSettings,
  purpose: RedisPurpose,
  { logger, clock, connectTimeout, onError }: RedisConnectionDeps,
): RedisConnection {
  const log = logger.child({ redis: describeRedis(settings), purpose });
  const limiter = createErrorLimiter({ logger: log, clock, message: "Redis connection error; retrying" });
  const connection = open(settings, purpose, connectTimeout);
  let announced = false;
  const onTrouble = (error: unknown): void => {
    onError?.(error);
    announced = limiter.report(error) || announced;
  };
  connection.on("error", onTrouble);
  // Errors of single nodes of a Cluster, such as a refused login, are told nowhere else.
  connection.on("node error", onTrouble);
  connection.on("reconnecting", () => {
    // A server that closes in good order (a restart, a failover) raises no error.
    if (!announced) announced = limiter.report(new Error("Redis closed the connection"));
  });
  connection.on("ready", () => {
    if (announced) log.info("Redis is reachable again");
    announced = false;
  });
  return connection;
}
