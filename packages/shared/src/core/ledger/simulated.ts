import { defined } from "../defined.ts";
import type { NodeRecord } from "../record.ts";
import type { Ledger, LedgerEntry } from "./ledger.ts";
import { emptyLedger } from "./steps.ts";

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
      ...defined({ pool, bootIdBefore: bootId }),
      at: lastReboot.intendedAt,
      notBefore: lastReboot.waitUntil,
      attempt: lastReboot.number,
      token: lastReboot.token,
      by: "simulated",
      outcome: lastReboot.outcome === "Simulated" ? "Accepted" : lastReboot.outcome,
      gpu: gpuNode,
    });
  }
  return { ...emptyLedger("simulated", "simulated", 0), entries };
}
