import { readFileSync } from "node:fs";
import {
  connectKubernetes,
  createConfigMapLedger,
  createNodeLister,
  createNodeReader,
} from "@node-agent/kubernetes";
import { keysOf } from "@node-agent/shared/contract/keys.ts";
import { createCheckers } from "@node-agent/shared/core/checkers/registry.ts";
import type { NodeSnapshot } from "@node-agent/shared/core/node.ts";
import { toSnapshot } from "@node-agent/shared/core/snapshot.ts";
import type { NodeLister } from "@node-agent/shared/ports/node-lister.ts";
import { readPendingReboot } from "@node-agent/shared/redis/pending-reboot.ts";
import { RedisSequenceMemory } from "@node-agent/shared/redis/sequence-memory.ts";
import { RedisStateStore } from "@node-agent/shared/redis/state-store.ts";
import { ledgerTimingsOf, policyOf, type Config } from "@node-agent/shared/runtime/config/config.ts";
import { loadConfig } from "@node-agent/shared/runtime/config/load.ts";
import type { ExplainSources } from "@node-agent/shared/runtime/explain-node.ts";
import { createLogger } from "@node-agent/shared/runtime/logger.ts";
import { connectRedis } from "@node-agent/shared/runtime/redis-connection.ts";
import { systemClock } from "@node-agent/shared/runtime/system-clock.ts";

/** Where explanations are read from during chaos: connections of our own, set up as the command line sets up its own. */
export interface OpenSources extends AsyncDisposable {
  readonly config: Config;
  /** The sources of one sample: what it explains shares one list of the nodes. */
  readonly ofSample: () => ExplainSources;
}

/** Connects to the Redis and the API server that a configuration file of the agents names. */
export function openSources(configFile: string, redisUrl: string): OpenSources {
  const config = readConfig(configFile, redisUrl);
  const { cluster, kubeconfig, nodePools: pools, includeControlPlane, includeVirtual } = config;
  const connection = connectKubernetes({ kubeconfig, userAgent: "chaos-observer", clock: systemClock });
  const redis = connectRedis(config.redis, "store", {
    logger: createLogger({ role: "cli", cluster, level: "fatal" }),
    clock: systemClock,
    connectTimeout: config.timings.redisConnectTimeout,
  });
  const keys = keysOf(cluster);
  const policy = policyOf(config);
  const parts = { connection, project: toSnapshot };
  const lister = createNodeLister({ ...parts, selector: { pools, includeControlPlane, includeVirtual } });
  return {
    config,
    ofSample: () => ({
      store: new RedisStateStore(redis, keys),
      memory: new RedisSequenceMemory(redis, keys),
      pending: async (node) => readPendingReboot(redis, keys, node),
      reader: createNodeReader(parts),
      lister: listedOnce(lister),
      ledger: createConfigMapLedger(connection, config.ledger),
      rules: { checkers: createCheckers(policy), policy },
      timings: ledgerTimingsOf(config),
      clock: systemClock,
      deadline: config.timings.nodeReadDeadline,
    }),
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
