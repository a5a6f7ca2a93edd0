import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Redis } from "ioredis";
import { eventually } from "./eventually.ts";
import { freePort } from "./free-port.ts";
import { startProgram, type RunningProcess } from "./processes.ts";

/** One server of a replicated Redis, and a connection to it alone. */
export interface RedisNode extends AsyncDisposable {
  readonly port: number;
  readonly admin: Redis;
  readonly process: RunningProcess;
}

/** What the agent asks of a Redis; replicas are synchronised at once, not after a pause for others to join. */
const SETTINGS = {
  "maxmemory-policy": "noeviction",
  appendonly: "yes",
  save: "",
  "repl-diskless-sync-delay": "0",
} as const;

/** Starts a server with these settings and a folder of its own under `dir`. */
export async function startRedisNode(
  dir: string,
  name: string,
  more: Readonly<Record<string, string>> = {},
): Promise<RedisNode> {
  const port = await freePort();
  const folder = join(dir, name);
  mkdirSync(folder);
  const settings = { bind: "127.0.0.1", port: String(port), dir: folder, ...SETTINGS, ...more };
  const args = Object.entries(settings).flatMap(([key, value]) => [`--${key}`, value]);
  return watched(port, startProgram({ name, program: "redis-server", args }));
}

/** Joins a server process and a connection to it, and waits until it answers. */
export async function watched(port: number, running: RunningProcess): Promise<RedisNode> {
  const admin = new Redis({
    host: "127.0.0.1",
    port,
    maxRetriesPerRequest: null,
    enableReadyCheck: false,
    retryStrategy: () => 50,
  });
  // It is killed because a test wants that.
  admin.on("error", () => {});
  await eventually(async () => {
    const exit = running.exit();
    if (exit !== undefined) throw new Error(`${running.name} ended: ${running.lines.join("\n")}`);
    if ((await Promise.race([admin.ping(), running.exited])) !== "PONG") throw new Error("no answer");
  });
  return {
    port,
    admin,
    process: running,
    [Symbol.asyncDispose]: async () => {
      admin.disconnect();
      await running.kill9();
    },
  };
}

/** Waits until a replica has everything that its master had. */
export async function untilInSync({ admin }: RedisNode): Promise<void> {
  await eventually(async () => expectLink(admin, "up"), { within: 30_000 });
}

/** Takes a replica's link away: it keeps what it received, learns nothing more, and may still be promoted. */
export async function cutOff({ admin }: RedisNode): Promise<void> {
  // A login that the master does not know.
  await admin.config("SET", "masteruser", "stranger");
  await admin.config("SET", "masterauth", "none");
  await admin.call("CLIENT", "KILL", "TYPE", "master");
  await eventually(async () => expectLink(admin, "down"));
}

async function expectLink(admin: Redis, state: "up" | "down"): Promise<void> {
  const info = await admin.info("replication");
  if (!info.includes(`master_link_status:${state}`)) throw new Error(`the link is not ${state}: ${info}`);
}
