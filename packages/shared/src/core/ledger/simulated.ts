import type { NodeRecord, RebootOutcome } from "../record.ts";
import type { Ledger, LedgerEntry, LedgerOutcome } from "./ledger.ts";

/**
 * The ledger that monitor-only mode would have, made from records: it knows the latest reboot of nodes that are not
 * healthy now, which is what open reboots are, and the pools they are in. Limits of pool and cluster say what they would
 * say in active mode; those of zones, hours, days and VMs, which need more memory than records have, say less.
 */
export function simulatedLedger(records: readonly NodeRecord[]): Ledger {
  const entries = new Map<string, LedgerEntry>();
  for (const { name, pool, gpuNode, lastReboot, bootId } of records) {
    if (lastReboot === undefined) continue;
    entries.set(lastReboot.instanceId, {
      instanceId: lastReboot.instanceId,
      seq: lastReboot.intendedAt,
      node: name,
      ...(pool === undefined ? {} : { pool }),
      ...(bootId === undefined ? {} : { bootIdBefore: bootId }),
      at: lastReboot.intendedAt,
      notBefore: lastReboot.waitUntil,
      attempt: lastReboot.number,
      token: lastReboot.token,
      by: "simulated",
      outcome: ledgerOutcome(lastReboot.outcome),
      gpu: gpuNode,
    });
  }
  const meta = {
    schema: 1,
    cluster: "simulated",
    seq: 0,
    heartbeatAt: 0,
    heartbeatBy: "simulated",
    quarantineUntil: 0,
    pausedPools: {},
    pausedNodes: {},
  } as const;
  return { meta, entries };
}

function ledgerOutcome(outcome: RebootOutcome): LedgerOutcome {
  return outcome === "Simulated" ? "Accepted" : outcome;
}
