import { Expected } from "./kinds.ts";
import { subject } from "./parse.ts";
import { parseHostPort, parseRedisUrl, type RedisSettings } from "./redis-url.ts";
import type { Settings } from "./schema.ts";
import type { Secrets } from "./secrets.ts";
import type { Origin, Sources } from "./sources.ts";

const strength = (origin: Origin | undefined): number => (origin?.from === "environment" ? 1 : 0);

/** Addresses in `redis.sentinels` lose against a URL from a stronger source (the environment, over the file). */
function urlWins(sources: Sources): boolean {
  return strength(sources.origins.get("redis.url")) > strength(sources.origins.get("redis.sentinels"));
}

function hasUrl({ settings, origins }: Sources): boolean {
  const { redis } = settings;
  return origins.has("redis.url") || (typeof redis === "object" && redis !== null && "url" in redis);
}

/** Makes one set of connection settings of `redis.url` or `redis.sentinels` and the passwords. */
export function resolveRedis(
  { redis }: Settings,
  secrets: Secrets,
  sources: Sources,
): RedisSettings | { faults: string[] } {
  const bySentinels = redis.sentinels.length > 0 && !(hasUrl(sources) && urlWins(sources));
  if (bySentinels && hasUrl(sources))
    return { faults: [`${subject("redis.sentinels", sources)}: set together with redis.url; set only one`] };
  if (bySentinels && redis.name === undefined)
    return {
      faults: [`${subject("redis.name", sources)}: missing; redis.sentinels needs the name of their master`],
    };
  const parsed: RedisSettings | Expected = bySentinels
    ? {
        kind: "sentinel",
        sentinels: redis.sentinels.map((text) => parseHostPort(text)).filter((one) => one !== undefined),
        name: redis.name ?? "",
        db: 0,
        tls: false,
      }
    : parseRedisUrl(redis.url);
  if (parsed instanceof Expected)
    return {
      faults: [
        `${subject("redis.url", sources)}: expected ${parsed.text}, got a value that is not shown since it may hold a secret`,
      ],
    };
  const password = secrets["redis.password"];
  if (password !== undefined && parsed.password !== undefined)
    return { faults: ["REDIS_PASSWORD: set, but the Redis URL holds a password too; set only one of them"] };
  const sentinelPassword = secrets["redis.sentinelPassword"];
  return {
    ...parsed,
    ...(password !== undefined && { password }),
    ...(parsed.kind === "sentinel" && sentinelPassword !== undefined && { sentinelPassword }),
  };
}
