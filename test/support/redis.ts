import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomUUID } from "node:crypto";
import { afterAll, beforeAll } from "vitest";
import { Redis } from "ioredis";
import { keysOf, type Keys } from "../../packages/shared/src/contract/keys.ts";
import { eventually } from "./eventually.ts";
import { freePort } from "./free-port.ts";

/** A Redis server of a test file: the one of REDIS_URL, or a private one that lives as long as the file. */
export interface TestRedis {
  readonly url: () => string;
  /** A new connection that waits for Redis; closed after the file. */
  readonly connect: () => Redis;
  /** The keys of a cluster that no other test uses. */
  readonly newCluster: () => { readonly cluster: string; readonly keys: Keys };
}

/** Gives the tests of this file a Redis; call at the top level of a test file. */
export function useRedis(): TestRedis {
  const clients: Redis[] = [];
  let url = "";
  let stop: (() => Promise<void>) | undefined;
  const connect = (): Redis => {
    const client = new Redis(url, { maxRetriesPerRequest: null, enableReadyCheck: false });
    // A closing server ends connections; that is what a test file wants at its end.
    client.on("error", () => {});
    clients.push(client);
    return client;
  };
  beforeAll(async () => {
    const given = process.env["REDIS_URL"];
    if (given !== undefined && given !== "") url = given;
    else ({ url, stop } = await startServer());
  });
  afterAll(async () => {
    for (const client of clients) client.disconnect();
    await stop?.();
  });
  return {
    url: () => url,
    connect,
    newCluster: () => {
      const cluster = `test-${randomUUID()}`;
      return { cluster, keys: keysOf(cluster) };
    },
  };
}

async function startServer(): Promise<{ url: string; stop: () => Promise<void> }> {
  const port = await freePort();
  const dir = mkdtempSync(join(tmpdir(), "node-agent-redis-"));
  const options = ["--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", dir];
  const server = spawn("redis-server", options.map(String), { stdio: "ignore" });
  const url = `redis://127.0.0.1:${port}/0`;
  const probe = new Redis(url, { lazyConnect: true, retryStrategy: null, maxRetriesPerRequest: 0 });
  probe.on("error", () => {});
  await eventually(async () => {
    if (probe.status !== "ready") await probe.connect();
    await probe.ping();
  });
  probe.disconnect();
  return {
    url,
    stop: async () => {
      if (server.exitCode === null) {
        server.kill("SIGKILL");
        await once(server, "exit");
      }
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
