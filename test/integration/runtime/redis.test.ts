import { spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterEach, describe, expect, test } from "vitest";
import { Expected } from "@node-agent/shared/runtime/config/kinds.ts";
import { parseRedisUrl, type RedisSettings } from "@node-agent/shared/runtime/config/redis-url.ts";
import {
  connectRedis,
  type RedisConnection,
  type RedisPurpose,
} from "@node-agent/shared/runtime/redis-connection.ts";
import { awaitRedis, checkRedisServer, judgeRedisInfo } from "@node-agent/shared/runtime/redis-server.ts";
import { systemClock } from "@node-agent/shared/runtime/system-clock.ts";
import { eventually } from "../../support/eventually.ts";
import { freePort } from "../../support/free-port.ts";
import { memoryLogger } from "../../unit/runtime/log-lines.ts";

const running: { stop: () => Promise<void> }[] = [];

async function startRedis(port: number, ...extra: string[]): Promise<ChildProcess> {
  const directory = mkdtempSync(`${tmpdir()}/node-agent-redis-`);
  const child = spawn(
    "redis-server",
    ["--port", `${port}`, "--bind", "127.0.0.1", "--save", "", "--dir", directory, ...extra],
    { stdio: "ignore" },
  );
  running.push({
    stop: async () => {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill("SIGKILL");
        await new Promise((resolve) => child.once("exit", resolve));
      }
      rmSync(directory, { recursive: true, force: true });
    },
  });
  return child;
}

function settingsOf(url: string): RedisSettings {
  const settings = parseRedisUrl(url);
  if (settings instanceof Expected) throw new Error("refused");
  return settings;
}

function open(url: string, purpose: RedisPurpose = "worker") {
  const { logger, lines, raw } = memoryLogger();
  const settings = settingsOf(url);
  const errors: unknown[] = [];
  const connection: RedisConnection = connectRedis(settings, purpose, {
    logger,
    clock: systemClock,
    connectTimeout: 2000,
    onError: (error) => void errors.push(error),
  });
  running.push({ stop: async () => connection.disconnect() });
  const wait = (signal: AbortSignal = new AbortController().signal): Promise<void> =>
    awaitRedis({ connection, settings, logger, clock: systemClock, signal });
  return { connection, settings, lines, raw, errors, wait };
}

/** A Cluster of one server, which answers only while it has all slots, and a connection to that server alone. */
async function startCluster(): Promise<{ port: number; admin: RedisConnection }> {
  const port = await freePort();
  // A node that never met another does not know its address and would announce an empty one.
  const announce = ["--cluster-announce-ip", "127.0.0.1", "--cluster-port", `${await freePort()}`];
  await startRedis(port, "--cluster-enabled", "yes", ...announce);
  const { connection: admin } = open(`redis://127.0.0.1:${port}`, "worker");
  await eventually(() => expect(admin.status).toBe("ready"));
  await admin.call("CLUSTER", "ADDSLOTSRANGE", "0", "16383");
  return { port, admin };
}

afterEach(async () => {
  for (const { stop } of running.splice(0).toReversed()) await stop();
});

describe("a Redis that is away", () => {
  test("is waited for with one clear line, and used once it is there", async () => {
    const port = await freePort();
    const { wait, lines, errors, connection } = open(`redis://127.0.0.1:${port}`);
    const waiting = wait();
    await eventually(() => expect(errors.length).toBeGreaterThan(2));
    expect(lines().filter(({ level }) => level === "error")).toEqual([
      expect.objectContaining({
        msg: "Redis connection error; retrying",
        redis: `redis://127.0.0.1:${port}/0`,
        err: expect.objectContaining({ code: "ECONNREFUSED" }) as unknown,
      }),
    ]);
    await startRedis(port);
    await waiting;
    expect(await connection.ping()).toBe("PONG");
    expect(lines().map(({ msg }) => msg)).toContain("Redis is reachable again");
  });

  test("is no longer waited for when the process is told to stop", async () => {
    const { wait } = open(`redis://127.0.0.1:${await freePort()}`);
    const stopping = new AbortController();
    const waiting = wait(stopping.signal);
    stopping.abort();
    await expect(waiting).rejects.toThrow("stopped while waiting for Redis");
  });

  test("fails the commands of a producer at once, and holds those of a worker", async () => {
    const port = await freePort();
    const server = await startRedis(port);
    const producer = open(`redis://127.0.0.1:${port}`, "producer");
    const worker = open(`redis://127.0.0.1:${port}`, "worker");
    await Promise.all([producer.wait(), worker.wait()]);
    server.kill("SIGKILL");
    await eventually(() => expect(producer.connection.status).not.toBe("ready"));
    await eventually(() => expect(worker.connection.status).not.toBe("ready"));
    await expect(producer.connection.ping()).rejects.toThrow("Stream isn't writeable");
    const held = worker.connection.ping();
    await startRedis(port);
    expect(await held).toBe("PONG");
    await eventually(async () => expect(await producer.connection.ping()).toBe("PONG"));
  });
});

const info = (version: string): string => `redis_version:${version}\r\nmaxmemory_policy:noeviction\r\n`;

test("a Redis that closes its connections in good order is told of, and found again", async () => {
  const port = await freePort();
  await startRedis(port);
  const { connection, wait, lines } = open(`redis://127.0.0.1:${port}`);
  const admin = open(`redis://127.0.0.1:${port}`);
  await Promise.all([wait(), admin.wait()]);
  const before = lines().length;
  await admin.connection.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
  await eventually(() =>
    expect(
      lines()
        .slice(before)
        .map(({ msg }) => msg),
    ).toEqual(["Redis connection error; retrying", "Redis is reachable again"]),
  );
  expect(await connection.ping()).toBe("PONG");
});

describe("a Redis that is not fit", () => {
  test("because it evicts keys is refused", async () => {
    const port = await freePort();
    await startRedis(port, "--maxmemory-policy", "allkeys-lru");
    await expect(open(`redis://127.0.0.1:${port}`).wait()).rejects.toMatchObject({
      name: "CannotStartError",
      message: `Redis at redis://127.0.0.1:${port}/0 has maxmemory-policy allkeys-lru and may silently drop pending reboots; set maxmemory-policy noeviction`,
    });
  });

  test("because it refuses the login is refused, without showing the password anywhere", async () => {
    const port = await freePort();
    await startRedis(port, "--requirepass", "right-canary");
    const wrong = open(`redis://:wrong-canary@127.0.0.1:${port}`);
    await expect(wrong.wait()).rejects.toMatchObject({
      name: "CannotStartError",
      message: expect.stringContaining("wants a login and the password was refused") as unknown,
    });
    await expect(open(`redis://127.0.0.1:${port}`).wait()).rejects.toThrow(
      "wants a login and no password was given",
    );
    expect(wrong.raw.join("")).not.toContain("canary");
    const cluster = open(`redis+cluster://:wrong-canary@127.0.0.1:${port}`);
    await expect(cluster.wait()).rejects.toThrow("wants a login and the password was refused");
    const right = open(`redis://:right-canary@127.0.0.1:${port}`);
    await right.wait();
    expect(right.raw.join("")).not.toContain("canary");
  });

  test("because its user may not run INFO is refused, and the right is named", async () => {
    const port = await freePort();
    await startRedis(port);
    const admin = open(`redis://127.0.0.1:${port}`);
    await admin.wait();
    await admin.connection.call(
      "ACL",
      "SETUSER",
      "narrow",
      "on",
      ">canary",
      "~*",
      "&*",
      "+@all",
      "-@dangerous",
    );
    // ioredis says by itself that its ready check is skipped.
    Object.assign(console, { warn: () => undefined });
    const { wait, raw } = open(`redis://narrow:canary@127.0.0.1:${port}`);
    await expect(wait()).rejects.toMatchObject({
      name: "CannotStartError",
      message: `Redis at redis://127.0.0.1:${port}/0 does not let the user narrow run INFO, which node-agent and BullMQ need; allow it: ACL SETUSER narrow +info`,
    });
    expect(raw.join("")).not.toContain("canary");
    await admin.connection.call("ACL", "SETUSER", "narrow", "+info");
    await open(`redis://narrow:canary@127.0.0.1:${port}`).wait();
  });

  test("because it is old is refused, and Valkey counts by the Redis version it speaks", () => {
    expect(judgeRedisInfo(info("6.0.20"), "a")).toEqual({
      ok: false,
      fault: "TooOld",
      message: "Redis at a is version 6.0.20; at least 6.2 is needed",
    });
    for (const version of ["6.2.0", "7.2.4", "10.0.1"])
      expect(judgeRedisInfo(info(version), "a")).toEqual({ ok: true, version });
    expect(judgeRedisInfo("", "a")).toMatchObject({ ok: false });
  });
});

test("a master that turns read-only costs one line, not thousands, and the write is done when it is a master again", async () => {
  const port = await freePort();
  await startRedis(port);
  const { connection, settings, wait, lines } = open(`redis://127.0.0.1:${port}`, "worker");
  await wait();
  const admin = open(`redis://127.0.0.1:${port}`, "store");
  await admin.wait();
  await admin.connection.call("REPLICAOF", "127.0.0.1", `${await freePort()}`);
  const written = connection.set("{a}", "1");
  await eventually(async () => {
    await admin.connection.call("REPLICAOF", "NO", "ONE");
  });
  expect(await written).toBe("OK");
  expect(await checkRedisServer(connection, settings)).toMatchObject({ ok: true });
  expect(lines().filter(({ level }) => level === "error").length).toBeLessThan(3);
});

describe("Redis by Sentinel and Cluster", () => {
  test("reaches the master that Sentinels name", async () => {
    const [master, port] = [await freePort(), await freePort()];
    await startRedis(master);
    const directory = mkdtempSync(`${tmpdir()}/node-agent-sentinel-`);
    running.push({ stop: async () => rmSync(directory, { recursive: true, force: true }) });
    writeFileSync(
      `${directory}/sentinel.conf`,
      `port ${port}\nbind 127.0.0.1\ndir ${directory}\nsentinel monitor mymaster 127.0.0.1 ${master} 1\n`,
    );
    const child = spawn("redis-server", [`${directory}/sentinel.conf`, "--sentinel"], { stdio: "ignore" });
    running.push({
      stop: async () => {
        child.kill("SIGKILL");
        await new Promise((resolve) => child.once("exit", resolve));
      },
    });
    const { connection, wait } = open(`redis+sentinel://127.0.0.1:${port}/mymaster`, "store");
    await wait();
    expect(await connection.set("{a}", "1")).toBe("OK");
    // Without it clients write to a demoted master for 10 s, and lose it all (shared facts, queues 5).
    expect(connection.options).toMatchObject({ failoverDetector: true });
  });

  test("reaches a Cluster", async () => {
    const { port } = await startCluster();
    const { connection, wait } = open(`redis+cluster://127.0.0.1:${port}`, "store");
    await wait();
    expect(await connection.set("{a}", "1")).toBe("OK");
  });

  test("a Cluster that is down is connected to, and answers once it is up: BullMQ waits for both", async () => {
    const { port, admin } = await startCluster();
    const { connection, wait } = open(`redis+cluster://127.0.0.1:${port}`);
    await wait();
    await admin.call("CLUSTER", "DELSLOTS", "0");
    await eventually(async () => expect(await admin.call("CLUSTER", "INFO")).toContain("cluster_state:fail"));
    const ended = new Promise<void>((resolve) => void connection.once("end", () => resolve()));
    connection.disconnect();
    await ended;
    await connection.connect();
    const written = connection.set("{a}", "1");
    await admin.call("CLUSTER", "ADDSLOTS", "0");
    expect(await written).toBe("OK");
  });
});
