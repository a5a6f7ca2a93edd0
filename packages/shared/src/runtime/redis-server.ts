import type { Clock } from "../ports/clock.ts";
import { SECOND } from "../core/time.ts";
import { describeRedis, type RedisSettings } from "./config/redis-url.ts";
import { CannotStartError } from "./lifecycle.ts";
import type { Logger } from "./logger.ts";
import { Cluster } from "ioredis";
import type { RedisConnection } from "./redis-connection.ts";

/** Why a Redis server is not fit to keep reboots. */
export type RedisServerFault = "TooOld" | "EvictingPolicy";

/** What a server says of itself, judged. */
export type RedisServerReport =
  | { readonly ok: true; readonly version: string }
  | { readonly ok: false; readonly fault: RedisServerFault; readonly message: string };

/** BullMQ's scripts and deduplication are tested from this version on. */
const OLDEST = [6, 2] as const;

function field(info: string, name: string): string | undefined {
  return new RegExp(`^${name}:(?<value>.*?)\\r?$`, "mu").exec(info)?.groups?.["value"];
}

function isTooOld(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  return major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1]);
}

/** Judges the answer of INFO. Valkey names the Redis version it is compatible with in the same field. */
export function judgeRedisInfo(info: string, address: string): RedisServerReport {
  const version = field(info, "redis_version") ?? "0";
  const policy = field(info, "maxmemory_policy") ?? "unknown";
  if (isTooOld(version))
    return {
      ok: false,
      fault: "TooOld",
      message: `Redis at ${address} is version ${version}; at least ${OLDEST.join(".")} is needed`,
    };
  if (policy !== "noeviction")
    return {
      ok: false,
      fault: "EvictingPolicy",
      message: `Redis at ${address} has maxmemory-policy ${policy} and may silently drop pending reboots; set maxmemory-policy noeviction`,
    };
  return { ok: true, version };
}

/**
 * Asks the server, or every master of a Cluster, for its version and eviction policy (by INFO, since managed services
 * often forbid CONFIG). Rejects when it cannot be asked.
 */
export async function checkRedisServer(
  connection: RedisConnection,
  settings: RedisSettings,
): Promise<RedisServerReport> {
  const address = describeRedis(settings);
  const servers = connection instanceof Cluster ? connection.nodes("master") : [connection];
  // Sections are asked for one by one: several in one INFO came with Redis 7.
  const reports = await Promise.all(
    servers.map(async (server) => {
      const [about, memory] = await Promise.all([server.info("server"), server.info("memory")]);
      return judgeRedisInfo(`${about}\n${memory}`, address);
    }),
  );
  return reports.find(({ ok }) => !ok) ?? reports[0] ?? judgeRedisInfo("", address);
}

const REFUSED_LOGIN = /\b(?:WRONGPASS|NOAUTH|invalid password|invalid username-password)\b/iu;

function loginFault(error: unknown, settings: RedisSettings): CannotStartError | undefined {
  if (!(error instanceof Error) || !REFUSED_LOGIN.test(error.message)) return undefined;
  const given = settings.password === undefined ? "no password was given" : "the password was refused";
  return new CannotStartError(
    `Redis at ${describeRedis(settings)} wants a login and ${given}; check REDIS_URL, REDIS_PASSWORD or REDIS_PASSWORD_FILE`,
    // The error of ioredis carries the arguments of AUTH; only its words go on.
    { cause: new Error(error.message) },
  );
}

const REFUSED_COMMAND = /\bNOPERM\b.*?'(?<command>[^']+)'/u;

/** A right that no waiting brings: the user of Redis may not run a command that we need. */
function rightFault(error: unknown, settings: RedisSettings): CannotStartError | undefined {
  const message = error instanceof Error ? error.message : "";
  if (!message.includes("NOPERM")) return undefined;
  const command = REFUSED_COMMAND.exec(message)?.groups?.["command"]?.toUpperCase() ?? "INFO";
  const user = settings.username ?? "default";
  return new CannotStartError(
    `Redis at ${describeRedis(settings)} does not let the user ${user} run ${command}, which node-agent and BullMQ need; allow it: ACL SETUSER ${user} +${command.toLowerCase()}`,
    { cause: new Error(message) },
  );
}

/** Resolves when the connection is ready; rejects when the login is refused, which no waiting heals, or at the signal. */
export async function awaitConnection(
  connection: RedisConnection,
  settings: RedisSettings,
  signal: AbortSignal,
): Promise<void> {
  if (connection.status === "ready") return;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const onReady = (): void => resolve();
  const onAbort = (): void => reject(new Error("stopped while waiting for Redis"));
  const onError = (error: unknown): void => {
    const fault = loginFault(error, settings);
    if (fault !== undefined) reject(fault);
  };
  connection.on("ready", onReady);
  connection.on("error", onError);
  connection.on("node error", onError);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    if (signal.aborted) onAbort();
    await promise;
  } finally {
    connection.off("ready", onReady);
    connection.off("error", onError);
    connection.off("node error", onError);
    signal.removeEventListener("abort", onAbort);
  }
}

/**
 * Waits until Redis answers, however long that takes (the connection logs its errors), and makes sure that it is fit.
 * Throws `CannotStartError` when it is too old, evicts keys, or refuses the login or INFO, and an Error when the signal fires.
 */
export async function awaitRedis({
  connection,
  settings,
  logger,
  clock,
  signal,
}: {
  connection: RedisConnection;
  settings: RedisSettings;
  logger: Logger;
  clock: Clock;
  signal: AbortSignal;
}): Promise<void> {
  for (;;) {
    await awaitConnection(connection, settings, signal);
    let report: RedisServerReport;
    try {
      report = await checkRedisServer(connection, settings);
    } catch (error) {
      const fault = loginFault(error, settings) ?? rightFault(error, settings);
      if (fault !== undefined) throw fault;
      logger.warn({ err: error }, "Redis went away while it was checked; trying again");
      await clock.sleep(SECOND, signal);
      continue;
    }
    if (!report.ok) throw new CannotStartError(report.message);
    logger.info({ redis: describeRedis(settings), redisVersion: report.version }, "Redis is ready");
    return;
  }
}
