import { readFileSync } from "node:fs";
import { connectKubernetes } from "@node-agent/kubernetes";
import type { NodeSnapshot } from "@node-agent/shared/core/node.ts";
import type { NodeLister } from "@node-agent/shared/ports/node-lister.ts";
import type { Config } from "@node-agent/shared/runtime/config/config.ts";
import { loadConfig } from "@node-agent/shared/runtime/config/load.ts";
import type { ExplainSources } from "@node-agent/shared/runtime/explain-node.ts";
import { createLogger } from "@node-agent/shared/runtime/logger.ts";
import { connectRedis } from "@node-agent/shared/runtime/redis-connection.ts";
import { systemClock } from "@node-agent/shared/runtime/system-clock.ts";
import { sourcesOf } from "../../packages/cli/src/explain-command.ts";

/** Where explanations are read from during chaos: connections of our own, wired as the command line wires its own. */
export interface OpenSources extends AsyncDisposable {
  /** The sources of one sample: what it explains shares one list of the nodes. */
  readonly ofSample: () => ExplainSources;
}

/** Connects to the Redis and the API server that a configuration file of the agents names. */
export function openSources(configFile: string, redisUrl: string): OpenSources {
  const config = readConfig(configFile, redisUrl);
  const { cluster, kubeconfig, timings } = config;
  const clock = systemClock;
  const connection = connectKubernetes({ kubeconfig, userAgent: "chaos-observer", clock });
  const redis = connectRedis(config.redis, "store", {
    logger: createLogger({ role: "cli", cluster, level: "fatal" }),
    clock,
    connectTimeout: timings.redisConnectTimeout,
  });
  const sources = sourcesOf(config, { clock }, connection, redis);
  return {
    ofSample: () => ({ ...sources, lister: listedOnce(sources.lister) }),
    [Symbol.asyncDispose]: async () => {
      redis.disconnect();
      await connection.close();
    },
  };
}

function readConfig(file: string, redisUrl: string): Config {
  const loaded = loadConfig({
    role: "console",
    argv: [`--config=${file}`],
    env: { REDIS_URL: redisUrl },
    readFile: (path) => readFileSync(path, "utf8"),
  });
  if (loaded.kind !== "Loaded") throw new Error(`no configuration: ${JSON.stringify(loaded)}`);
  return loaded.config;
}

/** The fleet as it was at the first question; a thousand nodes are not listed for each of a few. */
function listedOnce(lister: NodeLister): NodeLister {
  let listing: Promise<NodeSnapshot[]> | undefined;
  const listAll = async (signal: AbortSignal): Promise<NodeSnapshot[]> => {
    const nodes: NodeSnapshot[] = [];
    for await (const node of lister.list(signal)) nodes.push(node);
    return nodes;
  };
  return {
    list: async function* (signal) {
      listing ??= listAll(signal);
      yield* await listing;
    },
  };
}
