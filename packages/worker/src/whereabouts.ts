import { hostingOf, type Hosting, type LiveWorker } from "@node-agent/shared/core/hosting.ts";
import type { NodeRecord } from "@node-agent/shared/core/record.ts";
import type { Millis } from "@node-agent/shared/core/time.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import type { WorkerRegistry } from "@node-agent/shared/ports/worker-registry.ts";
import { hostsRedis } from "@node-agent/shared/runtime/redis-host.ts";

/** What a worker knows of where it, the others and Redis run. */
export interface WhereaboutsDeps {
  readonly registry: WorkerRegistry;
  readonly self: LiveWorker;
  /** The nodes of Redis that the configuration names; with any, its servers are not asked. */
  readonly redisNodes: readonly string[];
  /** Asks the servers of Redis for their own addresses; may reject. */
  readonly redisAddresses: () => Promise<readonly string[]>;
  /** Takes the faults of what is only nice to know. */
  readonly onFault: (fault: unknown) => void;
}

/** Tells the gate OwnNode what runs on a node. Whatever cannot be found out is unknown, and the gate stands open. */
export class Whereabouts {
  readonly #deps: WhereaboutsDeps;
  #addresses: readonly string[] = [];
  #refused = false;

  constructor(deps: WhereaboutsDeps) {
    this.#deps = deps;
  }

  /** A sign of life, and another look at where Redis is: a failover moves it. Never rejects. */
  async beat(): Promise<void> {
    const { registry, self, onFault } = this.#deps;
    await Promise.all([registry.beat(self).catch(onFault), this.#findRedis()]);
  }

  /** Tells the others not to wait for this worker. Never rejects. */
  async leave(): Promise<void> {
    const { registry, self, onFault } = this.#deps;
    await registry.leave(self).catch(onFault);
  }

  /** What bears on the reboot of a node, given its addresses. Undefined: nobody could be asked. Never rejects. */
  async hosting(
    node: string,
    addresses: readonly string[] | undefined,
    records: readonly NodeRecord[],
  ): Promise<Hosting | undefined> {
    const { registry, self, redisNodes, onFault } = this.#deps;
    const redis = hostsRedis(node, addresses, { nodes: redisNodes, addresses: this.#addresses });
    // Nearly every reboot: nothing of ours runs there, and the others need not be asked for.
    if (self.node !== node && redis !== true) return hostingOf(node, self, [], records, redis);
    try {
      return hostingOf(node, self, await registry.live(), records, redis);
    } catch (error) {
      onFault(error);
      return undefined;
    }
  }

  async #findRedis(): Promise<void> {
    const { redisNodes, redisAddresses, onFault } = this.#deps;
    if (redisNodes.length > 0) return;
    try {
      this.#addresses = await redisAddresses();
      this.#refused = false;
    } catch (error) {
      this.#addresses = [];
      // A managed Redis may refuse the command for ever; that is told once.
      if (!this.#refused) onFault(error);
      this.#refused = true;
    }
  }
}

/** Gives signs of life until the signal fires, and then takes leave. */
export async function keepBeating(
  whereabouts: Pick<Whereabouts, "beat" | "leave">,
  interval: Millis,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await whereabouts.beat();
    await clock.sleep(interval, signal);
  }
  await whereabouts.leave();
}
