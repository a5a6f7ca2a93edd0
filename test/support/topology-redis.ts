import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis, type Cluster } from "ioredis";
import { startRedis, type RunningRedis } from "../../scripts/setup/redis.mjs";

/** The Redis of a topology, of any of the kinds that the product knows. */
export interface TopologyRedis extends AsyncDisposable {
  /** As the agents are configured. */
  readonly url: string;
  /** A connection for looking on; it waits for Redis and is closed with it. */
  readonly client: Redis | Cluster;
  /** Opens one more such connection, which the caller closes. */
  connect(): Redis | Cluster;
}

/** A single Redis: it keeps its data and its address when it is stopped and started again. */
export interface PrivateRedis extends TopologyRedis {
  readonly client: Redis;
  /** Sends a signal to the server: one that stands still (SIGSTOP) accepts connections and answers nothing. */
  signal(how: "SIGSTOP" | "SIGCONT"): void;
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
  const connect = (): Redis => {
    const connection = new Redis(url, { maxRetriesPerRequest: null, retryStrategy: () => 50 });
    // Redis goes away because a test wants that.
    connection.on("error", () => {});
    return connection;
  };
  const client = connect();
  const stop: PrivateRedis["stop"] = async (how) => {
    const { pid } = running ?? {};
    if (how === "SIGKILL" && pid !== undefined) process.kill(pid, "SIGKILL");
    await running?.stop();
    running = undefined;
  };
  return {
    url,
    client,
    connect,
    signal: (how) => {
      if (running?.pid !== undefined) process.kill(running.pid, how);
    },
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
