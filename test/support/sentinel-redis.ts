import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "ioredis";
import { eventually } from "./eventually.ts";
import { failoverRedis, type FailoverRedis } from "./failover-redis.ts";
import { freePort } from "./free-port.ts";
import { startProgram } from "./processes.ts";
import { startRedisNode, untilInSync, watched, type RedisNode } from "./redis-node.ts";

const NAME = "mymaster";
const SENTINELS = 3;
/** A master that is silent for so long is down; a replica may have been cut off for ten times as long. */
const DOWN_AFTER = 2000;

/** Starts a master, its replica and three Sentinels, and waits until all of them know each other. */
export async function startSentinelRedis(): Promise<FailoverRedis> {
  await using parts = new AsyncDisposableStack();
  const dir = parts.adopt(mkdtempSync(join(tmpdir(), "node-agent-sentinel-")), (path) =>
    rmSync(path, { recursive: true, force: true }),
  );
  const master = parts.use(await startRedisNode(dir, "master"));
  const replica = parts.use(await startRedisNode(dir, "replica", { replicaof: `127.0.0.1 ${master.port}` }));
  await untilInSync(replica);
  const sentinels = Array.from({ length: SENTINELS }, async (_, i) => startSentinel(dir, i, master.port));
  const known = (await Promise.all(sentinels)).map((sentinel) => parts.use(sentinel));
  await Promise.all(known.map(untilAcquainted));
  const addresses = known.map(({ port }) => ({ host: "127.0.0.1", port }));
  return failoverRedis({
    url: `redis+sentinel://${addresses.map(({ host, port }) => `${host}:${port}`).join(",")}/${NAME}`,
    connect: () =>
      new Redis({
        sentinels: addresses,
        name: NAME,
        maxRetriesPerRequest: null,
        retryStrategy: () => 50,
        sentinelRetryStrategy: () => 50,
      }),
    master,
    replica,
    parts: parts.move(),
  });
}

/** A Sentinel writes what it learns into its configuration file. */
async function startSentinel(dir: string, i: number, master: number): Promise<RedisNode> {
  const name = `sentinel-${i + 1}`;
  const port = await freePort();
  const file = join(dir, `${name}.conf`);
  const lines = [
    `port ${port}`,
    "bind 127.0.0.1",
    `dir ${dir}`,
    `sentinel monitor ${NAME} 127.0.0.1 ${master} 2`,
    `sentinel down-after-milliseconds ${NAME} ${DOWN_AFTER}`,
    `sentinel failover-timeout ${NAME} 10000`,
  ];
  writeFileSync(file, `${lines.join("\n")}\n`);
  return watched(port, startProgram({ name, program: "redis-server", args: [file, "--sentinel"] }));
}

async function untilAcquainted({ admin }: RedisNode): Promise<void> {
  await eventually(
    async () => {
      const facts = (await admin.call("SENTINEL", "MASTER", NAME)) as string[];
      const fact = (name: string): number => Number(facts[facts.indexOf(name) + 1]);
      if (fact("num-slaves") !== 1 || fact("num-other-sentinels") !== SENTINELS - 1)
        throw new Error(`the Sentinels do not know each other yet: ${facts.join(" ")}`);
    },
    { within: 30_000, every: 100 },
  );
}
