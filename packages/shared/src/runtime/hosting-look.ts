import type { HostingLook } from "../core/explain-input.ts";
import { hostingOf } from "../core/hosting.ts";
import type { NodeRecord } from "../core/record.ts";
import type { WorkerRegistry } from "../ports/worker-registry.ts";
import { withoutCredentials } from "./error-fields.ts";
import { hostsRedis } from "./redis-host.ts";

/** Where the look at what runs on a node comes from. */
export interface HostingSources {
  readonly workers: Pick<WorkerRegistry, "live">;
  /** The nodes of Redis that the configuration names. */
  readonly redisNodes: readonly string[];
  /** The servers' own addresses, as seen from here; may reject. */
  readonly redisAddresses: () => Promise<readonly string[]>;
}

/**
 * What runs on a node, for whoever is no worker. Which worker will ask is unknown, so that the rule of its own node is left
 * out: it only ever hands a reboot over to another. `addresses` are the node's; undefined: it was not read.
 */
export async function lookAtHosting(
  name: string,
  addresses: readonly string[] | undefined,
  records: readonly NodeRecord[],
  monitorOnly: boolean,
  { workers, redisNodes, redisAddresses }: HostingSources,
): Promise<HostingLook> {
  try {
    const live = await workers.live();
    // Some managed services refuse the question; then nobody can tell.
    const servers = redisNodes.length > 0 ? [] : await redisAddresses().catch(() => []);
    const redis = hostsRedis(name, addresses, { nodes: redisNodes, addresses: servers });
    // One of them will ask, and the others are those that it sees.
    const asking = live.find((worker) => worker.monitorOnly === monitorOnly);
    const self = { id: asking?.id ?? "", monitorOnly };
    return { state: "Seen", hosting: hostingOf(name, self, live, records, redis) };
  } catch (error) {
    const why = error instanceof Error ? withoutCredentials(error.message) : "an unknown failure";
    return { state: "Unread", why: `the workers could not be asked for: ${why}` };
  }
}
