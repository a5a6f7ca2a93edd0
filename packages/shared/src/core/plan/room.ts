import type { Ledger, LedgerEntry } from "../ledger/ledger.ts";
import type { NodeRecord } from "../record.ts";
import type { EpochMillis } from "../time.ts";
import type { PlanLedger } from "./plan.ts";

/** The ledger as it would be when the repairs that were planned so far have begun. */
export interface PlannedRoom {
  readonly ledger: Ledger | undefined;
  /** Counts one more repair that begins now. */
  take(
    subject: { readonly instanceId: string; readonly pool?: string; readonly zone?: string },
    record: NodeRecord,
    now: EpochMillis,
  ): void;
}

/** Counts planned repairs into the limits, as their intents will. */
export function room(ledger: PlanLedger): PlannedRoom {
  const entries = new Map(ledger.state === "Trusted" ? ledger.ledger.entries : []);
  return {
    ledger: ledger.state === "Trusted" ? { meta: ledger.ledger.meta, entries } : undefined,
    take: (subject, { name, gpuNode, incident }, now) => {
      const { instanceId } = subject;
      const before = entries.get(instanceId);
      const intent: LedgerEntry = {
        ...subject,
        instanceId: instanceId === "" ? name : instanceId,
        seq: before?.seq ?? 0,
        node: name,
        at: now,
        notBefore: Infinity,
        attempt: (incident?.attempts ?? 0) + 1,
        token: "planned",
        by: "plan",
        outcome: "Intent",
        gpu: gpuNode,
      };
      entries.set(intent.instanceId, intent);
    },
  };
}
