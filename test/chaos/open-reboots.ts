import type { OracleReboot } from "../support/topology-simulator.ts";

/** The most reboots that may be open at once. */
export interface OpenLimits {
  readonly pool: number;
  readonly cluster: number;
}

/** What the oracle must know to count open reboots. */
export interface OpenRules {
  readonly poolOf: (node: string) => string;
  /** Until when a reboot was open: the machine was not well again, and its wait was not over. */
  readonly openUntil: (reboot: OracleReboot) => number;
  readonly open: OpenLimits;
}

/** How many were open at once, at most, and each time that it was too many, in words. */
export interface OpenCount {
  readonly mostOpen: OpenLimits;
  readonly overBudget: readonly string[];
}

/** Counts at each execution how many machines were between their reboot and being well again (I3). */
export function countOpen(
  reboots: readonly OracleReboot[],
  { poolOf, openUntil, open }: OpenRules,
): OpenCount {
  const overBudget: string[] = [];
  const most = { pool: 0, cluster: 0 };
  let still: { readonly reboot: OracleReboot; readonly until: number }[] = [];
  for (const reboot of reboots.toSorted((a, b) => a.at - b.at)) {
    const { at, node, instanceId } = reboot;
    // A machine that is rebooted again counts once.
    still = still.filter(({ until, reboot: other }) => until > at && other.instanceId !== instanceId);
    still.push({ reboot, until: openUntil(reboot) });
    const cluster = still.length;
    const pool = still.filter(({ reboot: other }) => poolOf(other.node) === poolOf(node)).length;
    most.cluster = Math.max(most.cluster, cluster);
    most.pool = Math.max(most.pool, pool);
    const when = new Date(at).toISOString();
    if (cluster > open.cluster) overBudget.push(`${cluster} open in the cluster at ${when}`);
    if (pool > open.pool) overBudget.push(`${pool} open in ${poolOf(node)} at ${when}`);
  }
  return { mostOpen: most, overBudget };
}
