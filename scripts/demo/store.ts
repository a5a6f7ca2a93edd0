import { readFileSync } from "node:fs";
import { keysOf } from "@node-agent/shared/contract/keys.ts";
import { RedisStateStore } from "@node-agent/shared/redis/state-store.ts";
import { loadConfig } from "@node-agent/shared/runtime/config/load.ts";
import { createLogger } from "@node-agent/shared/runtime/logger.ts";
import { connectRedis } from "@node-agent/shared/runtime/redis-connection.ts";
import { systemClock } from "@node-agent/shared/runtime/system-clock.ts";
import { readingOf, type FleetReading } from "./fleet-reading.ts";

/** What the workers of this run keep in Redis. */
export interface RunStore {
  /** Rejects while Redis does not answer. */
  readonly read: () => Promise<FleetReading>;
  /** Removes every key of this run's cluster: a Redis that the visitor brought is left as it was. Never rejects. */
  readonly removeAll: () => Promise<void>;
  readonly close: () => void;
}

/** Opens the store of a run by its configuration file, as its processes do. */
export function openStore(file: string, env: NodeJS.ProcessEnv): RunStore {
  const argv = ["--config", file];
  const loaded = loadConfig({ role: "console", argv, env, readFile: (path) => readFileSync(path, "utf8") });
  if (loaded.kind !== "Loaded") throw new Error(JSON.stringify(loaded));
  const { cluster, redis, timings } = loaded.config;
  const logger = createLogger({ role: "cli", cluster, level: "fatal" });
  const connectTimeout = timings.redisConnectTimeout;
  const client = connectRedis(redis, "store", { logger, clock: systemClock, connectTimeout });
  const keys = keysOf(cluster);
  const store = new RedisStateStore(client, keys);
  return {
    read: async () => readingOf(await store.listAll(), await store.view(), timings.viewMaxAge),
    removeAll: async () => {
      try {
        const pattern = `${keys.prefix}:*`;
        let cursor = "0";
        do {
          const [next, found] = await client.scan(cursor, "MATCH", pattern, "COUNT", 1000);
          if (found.length > 0) await client.unlink(...found);
          cursor = next;
        } while (cursor !== "0");
      } catch {
        // A private Redis goes with its data; of another one it is what any agent leaves behind.
      }
    },
    close: () => client.disconnect(),
  };
}
