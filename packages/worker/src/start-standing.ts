import { hostname } from "node:os";
import { createServerLook, type KubernetesConnection } from "@node-agent/kubernetes";
import { policyDigest } from "@node-agent/shared/runtime/config/config.ts";
import type { RoleParts } from "@node-agent/shared/runtime/role.ts";
import { Reach } from "./reach.ts";
import { Standing } from "./standing.ts";

/** Names this process, in the ledger and among the workers. */
export const SELF = `${hostname()}/${process.pid}`;

/** What this worker may do beside its peers, and what it can reach; `looking` ends with the signal. */
export function startStanding(
  { config, clock, logger }: RoleParts,
  kubernetes: KubernetesConnection,
  signal: AbortSignal,
): { readonly standing: Standing; readonly reach: Reach; readonly looking: Promise<void> } {
  const { nodeName, monitorOnly, ledger, timings } = config;
  const standing = new Standing({
    self: {
      id: SELF,
      monitorOnly,
      policy: policyDigest(config),
      ...(nodeName === undefined ? {} : { node: nodeName }),
    },
    clock,
    allowed: ledger.clockSkew,
    logger,
  });
  const reach = new Reach();
  const look = reach.server(standing.server(createServerLook(kubernetes, timings.nodeReadDeadline)));
  const looking = async (): Promise<void> => {
    while (!signal.aborted) {
      // A failure is what `/readyz` shows.
      await look().catch(() => undefined);
      await clock.sleep(2 * timings.gateRecheck, signal);
    }
  };
  return { standing, reach, looking: looking() };
}
