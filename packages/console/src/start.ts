import { Queue } from "bullmq";
import { keysOf } from "@node-agent/shared/contract/keys.ts";
import { QUEUES } from "@node-agent/shared/contract/queues.ts";
import { CannotStartError, type Component } from "@node-agent/shared/runtime/lifecycle.ts";
import { openRedis, redisReady } from "@node-agent/shared/runtime/redis-set.ts";
import type { RoleParts } from "@node-agent/shared/runtime/role.ts";
import { createConsole } from "./server.ts";

/** Wires the console: the queue dashboard over the queues of one cluster. */
export async function startConsole(parts: RoleParts): Promise<readonly Component[]> {
  const { config, logger, signal } = parts;
  const { host, port, readOnly, allowedHosts } = config.console;
  const keys = keysOf(config.cluster);
  const redis = openRedis(parts);
  await redisReady(redis, parts, signal);
  const queues = Object.values(QUEUES).map((name) => {
    const queue = new Queue(name, { connection: redis.store, prefix: keys.prefix });
    queue.on("error", redis.onError);
    return queue;
  });
  const server = createConsole({
    queues,
    connection: redis.store,
    host,
    allowedHosts,
    cluster: config.cluster,
    readOnly,
  });
  const url = await server.listen({ host, port }).catch((error: unknown) => {
    const why = error instanceof Error && "code" in error ? String(error.code) : "unknown";
    throw new CannotStartError(
      `cannot listen on ${host}:${port} (${why}); set --console-port or console.port`,
      {
        cause: error,
      },
    );
  });
  logger.info({ url: `${url}/queues`, readOnly }, "queue dashboard is served");
  return [
    { name: "server", stop: async () => server.close() },
    {
      name: "queues",
      stop: async () => void (await Promise.all(queues.map(async (queue) => queue.close()))),
    },
    redis.component,
  ];
}
