import { Cluster } from "ioredis";
import type { RedisClient } from "./script.ts";

/** Redis puts the brackets of a URL around an IPv6 address. A client's name has no space in it and cannot forge a field. */
const LOCAL_ADDRESS = /(?:^| )laddr=\[?(?<address>[0-9A-Fa-f.:]+?)\]?:\d+(?: |$)/u;

/** The address of the server's own end of a connection, by the line that CLIENT INFO answers with (Redis 6.2). */
export function localAddressOf(clientInfo: unknown): string | undefined {
  return typeof clientInfo === "string" ? LOCAL_ADDRESS.exec(clientInfo)?.groups?.["address"] : undefined;
}

/**
 * The addresses at which Redis itself is, behind whatever name, Service or load balancer: one, or one per master of a
 * Redis Cluster. Rejects when a server cannot or will not tell.
 */
export async function serverAddresses(client: RedisClient): Promise<readonly string[]> {
  const servers = client instanceof Cluster ? client.nodes("master") : [client];
  const answers = await Promise.all(servers.map(async (server) => server.call("CLIENT", "INFO")));
  return answers.flatMap((answer) => localAddressOf(answer) ?? []);
}
