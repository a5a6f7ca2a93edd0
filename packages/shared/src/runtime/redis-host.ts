import { BlockList, isIP } from "node:net";

/** Where Redis is. `nodes` are those that the configuration names; without any, the addresses of its servers decide. */
export interface RedisPlace {
  readonly nodes: readonly string[];
  readonly addresses: readonly string[];
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8);
LOOPBACK.addAddress("::1", "ipv6");

/**
 * Whether Redis runs on a node, by the node's own and its pods' addresses; undefined when nobody can tell. A loopback
 * address is that of a sidecar or a tunnel and says nothing of a node.
 */
export function hostsRedis(
  node: string,
  addresses: readonly string[] | undefined,
  redis: RedisPlace,
): boolean | undefined {
  if (redis.nodes.length > 0) return redis.nodes.includes(node);
  const servers = redis.addresses.filter((address) => isIP(address) !== 0 && !contains(LOOPBACK, address));
  if (servers.length === 0 || addresses === undefined) return undefined;
  const own = new BlockList();
  for (const address of addresses) add(own, address);
  return servers.some((server) => contains(own, server));
}

function familyOf(address: string): "ipv4" | "ipv6" {
  return isIP(address) === 6 ? "ipv6" : "ipv4";
}

function contains(list: BlockList, address: string): boolean {
  return list.check(address, familyOf(address));
}

/** Adds an address or a range; what is neither is left out. */
function add(list: BlockList, entry: string): void {
  const [address = "", prefix] = entry.split("/");
  const version = isIP(address);
  if (version === 0) return;
  if (prefix === undefined) list.addAddress(address, familyOf(address));
  else if (/^\d{1,3}$/u.test(prefix) && Number(prefix) <= (version === 6 ? 128 : 32))
    list.addSubnet(address, Number(prefix), familyOf(address));
}
