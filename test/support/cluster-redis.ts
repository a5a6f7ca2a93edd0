import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Cluster } from "ioredis";
import { keysOf } from "@node-agent/shared/contract/keys.ts";
import { eventually } from "./eventually.ts";
import { failoverRedis, type FailoverRedis } from "./failover-redis.ts";
import { freePort } from "./free-port.ts";
import { startRedisNode, untilInSync, type RedisNode } from "./redis-node.ts";

const MASTERS = 3;
const SLOTS = 16_384;
/** A server that is silent for so long is down. */
const NODE_TIMEOUT = 2000;

/** Starts three masters and a replica of the one that has the keys of a cluster of this name; the masters are the quorum. */
export async function startClusterRedis(name: string): Promise<FailoverRedis> {
  await using parts = new AsyncDisposableStack();
  const dir = parts.adopt(mkdtempSync(join(tmpdir(), "node-agent-cluster-")), (path) =>
    rmSync(path, { recursive: true, force: true }),
  );
  const names = [...Array.from({ length: MASTERS }, (_, i) => `master-${i + 1}`), "replica"];
  const starting = names.map(async (one) => startRedisNode(dir, one, await clusterSettings()));
  const servers = (await Promise.all(starting)).map((server) => parts.use(server));
  const [first, replica] = [servers[0], servers.at(-1)];
  if (first === undefined || replica === undefined) throw new Error("no server");

  const width = Math.ceil(SLOTS / MASTERS);
  for (const [i, { admin }] of servers.entries()) {
    await admin.call("CLUSTER", "SET-CONFIG-EPOCH", `${i + 1}`);
    if (i < MASTERS)
      await admin.call("CLUSTER", "ADDSLOTSRANGE", `${i * width}`, `${Math.min((i + 1) * width, SLOTS) - 1}`);
  }
  for (const server of servers.slice(1)) await meet(first, server);
  const slot = Number(await first.admin.call("CLUSTER", "KEYSLOT", keysOf(name).prefix));
  const master = servers[Math.floor(slot / width)] ?? first;
  const id = String(await master.admin.call("CLUSTER", "MYID"));
  // Only a server that has heard of its master can follow it.
  await eventually(async () => replica.admin.call("CLUSTER", "REPLICATE", id), {
    within: 30_000,
    every: 100,
  });
  await untilInSync(replica);
  await Promise.all(servers.map(async (server) => untilAcquainted(server, servers.length)));
  const addresses = servers.map(({ port }) => ({ host: "127.0.0.1", port }));
  return failoverRedis({
    url: `redis+cluster://${addresses.map(({ host, port }) => `${host}:${port}`).join(",")}`,
    connect: () =>
      new Cluster(addresses, {
        redisOptions: { maxRetriesPerRequest: null },
        clusterRetryStrategy: () => 50,
        maxRedirections: 1000,
      }),
    master,
    replica,
    parts: parts.move(),
  });
}

async function clusterSettings(): Promise<Record<string, string>> {
  return {
    "cluster-enabled": "yes",
    "cluster-node-timeout": String(NODE_TIMEOUT),
    "cluster-announce-ip": "127.0.0.1",
    "cluster-port": String(await freePort()),
    // A replica takes over however far it lags behind: what it has lost must not matter.
    "cluster-replica-validity-factor": "0",
  };
}

async function meet({ admin }: RedisNode, other: RedisNode): Promise<void> {
  const [, bus] = await other.admin.config("GET", "cluster-port");
  await admin.call("CLUSTER", "MEET", "127.0.0.1", `${other.port}`, bus ?? "");
}

async function untilAcquainted({ admin }: RedisNode, count: number): Promise<void> {
  await eventually(
    async () => {
      const info = String(await admin.call("CLUSTER", "INFO"));
      if (!info.includes("cluster_state:ok") || !info.includes(`cluster_known_nodes:${count}`))
        throw new Error(`the servers do not know each other yet: ${info}`);
      const nodes = String(await admin.call("CLUSTER", "NODES"));
      if (!nodes.includes("slave")) throw new Error(`the replica is not known yet: ${nodes}`);
    },
    { within: 30_000, every: 100 },
  );
}
