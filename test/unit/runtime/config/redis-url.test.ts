import { describe, expect, test } from "vitest";
import { Expected } from "@node-agent/shared/runtime/config/kinds.ts";
import { describeRedis, parseRedisUrl } from "@node-agent/shared/runtime/config/redis-url.ts";
import { configOf } from "./load-support.ts";

function parse(url: string) {
  const parsed = parseRedisUrl(url);
  if (parsed instanceof Expected) throw new Error("refused");
  return parsed;
}

describe("a Redis URL", () => {
  test("names one server, with database and TLS", () => {
    expect(parse("redis://host")).toEqual({
      kind: "standalone",
      host: "host",
      port: 6379,
      db: 0,
      tls: false,
    });
    expect(parse("rediss://host:7000/3")).toEqual({
      kind: "standalone",
      host: "host",
      port: 7000,
      db: 3,
      tls: true,
    });
    expect(parse("redis://[::1]:7000")).toMatchObject({ host: "::1", port: 7000 });
  });

  test("names a master behind Sentinels", () => {
    expect(parse("redis+sentinel://a:1,b/mymaster/2")).toEqual({
      kind: "sentinel",
      sentinels: [
        { host: "a", port: 1 },
        { host: "b", port: 26_379 },
      ],
      name: "mymaster",
      db: 2,
      tls: false,
    });
  });

  test("names the nodes of a Cluster", () => {
    expect(parse("rediss+cluster://a:7000,b:7001")).toEqual({
      kind: "cluster",
      nodes: [
        { host: "a", port: 7000 },
        { host: "b", port: 7001 },
      ],
      tls: true,
    });
  });

  test("holds a login, escaped or with odd characters", () => {
    expect(parse("redis://user:p%40ss@h").password?.reveal()).toBe("p@ss");
    expect(parse("redis://user:p@/ss:x@h")).toMatchObject({ username: "user" });
    expect(parse("redis://user:p@/ss:x@h").password?.reveal()).toBe("p@/ss:x");
    expect(parse("redis://:pw@h")).not.toHaveProperty("username");
    expect(parse("redis://:pw@h").password?.reveal()).toBe("pw");
  });

  test.each([
    "",
    "redis://",
    "redis:host",
    "http://host",
    "redis://a,b",
    "redis://host:0",
    "redis://host:65536",
    "redis://host/x",
    "redis://host/0?x=1",
    "redis://%zz:pw@host",
    "redis+sentinel://a",
    "redis+sentinel://a/name/0/more",
    "redis+cluster://a/1",
    "redis+cluster://a,,b",
    "redis+nothing://a",
    "redis://ho st",
  ])("such as %j is refused", (url) => {
    expect(parseRedisUrl(url)).toBeInstanceOf(Expected);
  });

  test.each([
    "redis://host:6379/0",
    "rediss://[::1]:1/2",
    "redis+sentinel://a:1,b:2/m/0",
    "redis+cluster://a:1,b:2",
  ])("%s is described as it was written", (url) => {
    expect(describeRedis(parse(url))).toBe(url);
  });

  test("is described without its login", () => {
    expect(describeRedis(parse("redis://user:secret@host"))).toBe("redis://host:6379/0");
  });

  test("of the environment wins over Sentinels of the file", () => {
    const file = "redis: { sentinels: ['a:1'], name: m }";
    expect(configOf({ file }).redis).toMatchObject({ kind: "sentinel", sentinels: [{ host: "a", port: 1 }] });
    expect(configOf({ file, env: { REDIS_URL: "redis://b" } }).redis).toMatchObject({
      kind: "standalone",
      host: "b",
    });
  });
});
