import type { Cluster, Redis } from "ioredis";
import { cutOff, type RedisNode } from "./redis-node.ts";
import type { TopologyRedis } from "./topology-redis.ts";

/** A Redis with a replica that takes over when its master dies. */
export interface FailoverRedis extends TopologyRedis {
  /** From now on the replica lags behind: what is written now is lost with the master. */
  cutReplica(): Promise<void>;
  /** `kill -9` of the master; the replica takes over by itself. */
  killMaster(): Promise<void>;
}

/** What a replicated Redis consists of. */
export interface FailoverParts {
  readonly url: string;
  readonly connect: () => Redis | Cluster;
  readonly master: RedisNode;
  readonly replica: RedisNode;
  /** All servers and files. */
  readonly parts: AsyncDisposable;
}

/** Joins the parts of a replicated Redis. */
export function failoverRedis({ url, connect, master, replica, parts }: FailoverParts): FailoverRedis {
  const open = (): Redis | Cluster => {
    const connection = connect();
    // Servers go away because a test wants that.
    connection.on("error", () => {});
    connection.on("node error", () => {});
    return connection;
  };
  const client = open();
  return {
    url,
    client,
    connect: open,
    cutReplica: async () => cutOff(replica),
    killMaster: async () => master.process.kill9(),
    [Symbol.asyncDispose]: async () => {
      client.disconnect();
      await parts[Symbol.asyncDispose]();
    },
  };
}
