import { spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Redis } from "ioredis";
import { afterEach, describe, expect, test, vi } from "vitest";
import { ensureRedis, type RunningRedis, startRedis } from "../../../scripts/setup/redis.mjs";
import { eventually } from "../../support/eventually.ts";

const cleanups: (() => unknown)[] = [];

afterEach(async () => {
  vi.unstubAllEnvs();
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** A private Redis that the test's end stops. */
async function start(options?: Parameters<typeof startRedis>[0]): Promise<RunningRedis> {
  const redis = await startRedis(options);
  cleanups.push(async () => redis.stop());
  return redis;
}

function connect(url: string): Redis {
  const client = new Redis(url, { maxRetriesPerRequest: 0, retryStrategy: () => null });
  cleanups.push(() => client.disconnect());
  return client;
}

/** A server that says one thing to whoever connects, once asked. */
async function startSpeaker(words: string): Promise<string> {
  const server = createServer((socket) => socket.on("error", () => {}).once("data", () => socket.end(words)));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  cleanups.push(() => server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

describe("startRedis", () => {
  test("gives a Redis on loopback that evicts nothing and writes what it acknowledges to disk", async () => {
    const redis = await start();
    const client = connect(redis.url);
    expect(await client.config("GET", "maxmemory-policy")).toEqual(["maxmemory-policy", "noeviction"]);
    expect(await client.config("GET", "appendonly")).toEqual(["appendonly", "yes"]);
    expect(await client.config("GET", "bind")).toEqual(["bind", "127.0.0.1"]);
    expect(redis.pid).toBe(Number(/process_id:(\d+)/.exec(await client.info("server"))?.[1]));
  });

  test("stop leaves neither process nor folder, and may be called twice", async () => {
    const redis = await start();
    const { pid = 0, dir = "" } = redis;
    expect([isAlive(pid), existsSync(dir)]).toEqual([true, true]);
    await redis.stop();
    await redis.stop();
    expect([isAlive(pid), existsSync(dir)]).toEqual([false, false]);
  });

  test("a folder and a port of our own survive a restart, with the data", async () => {
    const dir = mkdtempSync(join(tmpdir(), "node-agent-redis-"));
    cleanups.push(() => rmSync(dir, { recursive: true, force: true }));
    const first = await start({ dir });
    await connect(first.url).set("kept", "yes");
    await first.stop();
    const second = await start({ dir, port: Number(new URL(first.url).port) });
    expect(second.url).toBe(first.url);
    expect(await connect(second.url).get("kept")).toBe("yes");
  });

  test("a port that is taken is one clear error", async () => {
    const { url } = await start();
    await expect(startRedis({ port: Number(new URL(url).port) })).rejects.toThrow(/does not start/);
  });

  test.each(["SIGKILL", "SIGTERM", "SIGINT"] as const)(
    "leaves nothing behind when its parent dies of %s",
    async (signal) => {
      const module = fileURLToPath(new URL("../../../scripts/setup/redis.mjs", import.meta.url));
      const program = `import { startRedis } from ${JSON.stringify(module)};
        const { pid, dir } = await startRedis(); console.log(JSON.stringify({ pid, dir }));`;
      const parent = spawn(process.execPath, ["--input-type=module", "--eval", program], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      cleanups.push(() => parent.kill("SIGKILL"));
      const line = await new Promise<string>((resolve) =>
        parent.stdout.once("data", (data) => resolve(String(data))),
      );
      const { pid, dir } = JSON.parse(line) as { pid: number; dir: string };
      expect([isAlive(pid), existsSync(dir)]).toEqual([true, true]);
      parent.kill(signal);
      await eventually(() => expect([isAlive(pid), existsSync(dir)]).toEqual([false, false]));
    },
  );
});

describe("ensureRedis", () => {
  test("takes the Redis of REDIS_URL and never stops it", async () => {
    const { url, pid = 0 } = await start();
    vi.stubEnv("REDIS_URL", url);
    const log = vi.spyOn(console, "log").mockReturnValue();
    const given = await ensureRedis();
    expect(given).toMatchObject({ url, pid: undefined });
    await given.stop();
    expect(isAlive(pid)).toBe(true);
    expect(log.mock.calls.splice(0)).toEqual([[expect.stringContaining("REDIS_URL")]]);
  });

  test.each([
    ["asks for a password", "-NOAUTH Authentication required.\r\n", /refuses: NOAUTH/],
    ["refuses the password", "-WRONGPASS invalid username-password pair\r\n", /refuses: WRONGPASS/],
    ["is a web server", "HTTP/1.1 400 Bad Request\r\n\r\n", /is no Redis/],
    ["hangs up", "", /closed the connection/],
  ])("says so when the server of REDIS_URL %s, without the password", async (_name, words, message) => {
    vi.stubEnv("REDIS_URL", `redis://user:s3cretpass@${await startSpeaker(words)}`);
    const failure = ensureRedis();
    await expect(failure).rejects.toThrow(message);
    await expect(failure).rejects.toThrow(/^REDIS_URL 127\.0\.0\.1:\d+ /);
    await expect(failure).rejects.not.toThrow(/s3cret/);
  });

  test.each([
    ["127.0.0.1:6379", /^REDIS_URL is not a URL/],
    ["http://127.0.0.1:6379", /^REDIS_URL is not a URL/],
    ["redis://127.0.0.1:1", /cannot be reached \(ECONNREFUSED\)/],
  ])("says so when REDIS_URL is %s", async (url, message) => {
    vi.stubEnv("REDIS_URL", url);
    await expect(ensureRedis()).rejects.toThrow(message);
  });
});
