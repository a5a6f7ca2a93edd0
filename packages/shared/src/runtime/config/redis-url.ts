import { Secret } from "../secret.ts";
import { Expected } from "./kinds.ts";

/** Where one Redis or Sentinel process listens. */
export interface HostPort {
  readonly host: string;
  readonly port: number;
}

interface RedisAccess {
  readonly tls: boolean;
  readonly username?: string;
  readonly password?: Secret;
}

/** How Redis is reached: one server, a master named by Sentinels, or a Cluster. */
export type RedisSettings =
  | (RedisAccess & {
      readonly kind: "standalone";
      readonly host: string;
      readonly port: number;
      readonly db: number;
    })
  | (RedisAccess & {
      readonly kind: "sentinel";
      readonly sentinels: readonly HostPort[];
      /** The name of the master that the Sentinels watch. */
      readonly name: string;
      readonly db: number;
      readonly sentinelPassword?: Secret;
    })
  | (RedisAccess & { readonly kind: "cluster"; readonly nodes: readonly HostPort[] });

/** What a Redis URL looks like, for messages. */
export const REDIS_URL_EXPECTED =
  "redis://[user:password@]host[:port][/db], rediss:// for TLS, redis+sentinel://host:port,host:port/master-name or redis+cluster://host:port,host:port";

const REDIS_PORT = 6379;
const SENTINEL_PORT = 26379;
const URL_PARTS =
  /^redis(?<tls>s?)(?:\+(?<kind>sentinel|cluster))?:\/\/(?:(?<user>.*)@)?(?<hosts>[^/@?#]+)(?:\/(?<path>[^?#]*))?$/u;
const HOST_PORT = /^(?<host>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::(?<port>\d{1,5}))?$/u;

/** Reads `host:port`, `host` or `[ipv6]:port`; undefined when it is none of these. */
export function parseHostPort(text: string, defaultPort: number = SENTINEL_PORT): HostPort | undefined {
  const groups = HOST_PORT.exec(text.trim())?.groups;
  const host = groups?.["host"]?.replace(/^\[(?<inner>.*)\]$/u, "$<inner>");
  const port = Number(groups?.["port"] ?? defaultPort);
  return host === undefined || port < 1 || port > 65_535 ? undefined : { host, port };
}

function access(groups: Record<string, string | undefined>): RedisAccess | undefined {
  const tls = groups["tls"] === "s";
  const user = groups["user"];
  if (user === undefined) return { tls };
  const colon = user.indexOf(":");
  try {
    const username = decodeURIComponent(colon < 0 ? user : user.slice(0, colon));
    const password = colon < 0 ? "" : decodeURIComponent(user.slice(colon + 1));
    return {
      tls,
      ...(username !== "" && { username }),
      ...(password !== "" && { password: Secret.of(password) }),
    };
  } catch {
    return undefined;
  }
}

function parseHosts(hosts: string, defaultPort: number): readonly HostPort[] | undefined {
  const parsed = hosts.split(",").map((host) => parseHostPort(host, defaultPort));
  return parsed.every((host) => host !== undefined) ? parsed : undefined;
}

const parseDb = (text: string): number | undefined =>
  text === "" ? 0 : /^\d{1,4}$/u.test(text) ? Number(text) : undefined;

function parseSentinelPath(path: string): { name: string; db: number } | undefined {
  const [name = "", database = "", ...more] = path.split("/");
  const db = parseDb(database);
  return /^[A-Za-z0-9._-]+$/u.test(name) && db !== undefined && more.length === 0 ? { name, db } : undefined;
}

function assemble(
  kind: string,
  path: string,
  hosts: readonly HostPort[],
  common: RedisAccess,
): RedisSettings | undefined {
  const [first, ...others] = hosts;
  if (first === undefined) return undefined;
  if (kind === "cluster")
    // A Cluster has only database 0.
    return path === "" || path === "0" ? { kind, nodes: hosts, ...common } : undefined;
  if (kind === "sentinel") {
    const master = parseSentinelPath(path);
    return master && { kind, sentinels: hosts, ...master, ...common };
  }
  const db = parseDb(path);
  return db === undefined || others.length > 0 ? undefined : { kind: "standalone", ...first, db, ...common };
}

/** Reads a Redis URL; the refusal never repeats any part of it, since it may hold a password. */
export function parseRedisUrl(url: string): RedisSettings | Expected {
  const refused = new Expected(REDIS_URL_EXPECTED);
  const groups: Record<string, string | undefined> | undefined = URL_PARTS.exec(url.trim())?.groups;
  if (groups === undefined) return refused;
  const { kind = "standalone", path = "" } = groups;
  const common = access(groups);
  const hosts = parseHosts(groups["hosts"] ?? "", kind === "sentinel" ? SENTINEL_PORT : REDIS_PORT);
  return (common && hosts && assemble(kind, path, hosts, common)) ?? refused;
}

const printHost = ({ host, port }: HostPort): string => `${host.includes(":") ? `[${host}]` : host}:${port}`;

/** The address of Redis for logs and errors: no user, no password. */
export function describeRedis(redis: RedisSettings): string {
  const scheme = redis.tls ? "rediss" : "redis";
  switch (redis.kind) {
    case "standalone":
      return `${scheme}://${printHost(redis)}/${redis.db}`;
    case "sentinel":
      return `${scheme}+sentinel://${redis.sentinels.map(printHost).join(",")}/${redis.name}/${redis.db}`;
    case "cluster":
      return `${scheme}+cluster://${redis.nodes.map(printHost).join(",")}`;
  }
}
