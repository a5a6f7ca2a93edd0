import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { startRedis, type RunningRedis } from "../../scripts/setup/redis.mjs";

/** A Redis of one topology: it keeps its data and its address when it is stopped and started again. */
export interface PrivateRedis extends AsyncDisposable {
  readonly url: string;
  /** A connection for looking on; it waits for Redis and is closed with it. */
  readonly client: Redis;
  /** Takes it away: `SIGKILL` without a chance to write anything, `SIGTERM` in good order. */
  stop(how: "SIGKILL" | "SIGTERM"): Promise<void>;
  /** Brings it back with its data. */
  start(): Promise<void>;
}

/** Starts a server with an append-only file in a folder of its own. */
export async function startPrivateRedis(): Promise<PrivateRedis> {
  const dir = mkdtempSync(join(tmpdir(), "node-agent-e2e-redis-"));
  let running: RunningRedis | undefined = await startRedis({ dir });
  const { url } = running;
  const port = Number(new URL(url).port);
  const client = new Redis(url, { maxRetriesPerRequest: null, retryStrategy: () => 50 });
  // Redis goes away because a test wants that.
  client.on("error", () => {});
  const stop: PrivateRedis["stop"] = async (how) => {
    const { pid } = running ?? {};
    if (how === "SIGKILL" && pid !== undefined) process.kill(pid, "SIGKILL");
    await running?.stop();
    running = undefined;
  };
  return {
    url,
    client,
    stop,
    start: async () => {
      running ??= await startRedis({ dir, port });
    },
    [Symbol.asyncDispose]: async () => {
      client.disconnect();
      await stop("SIGKILL");
      rmSync(dir, { recursive: true, force: true });
    },
  };
}
