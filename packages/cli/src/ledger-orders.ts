import { createConfigMapLedger } from "@node-agent/kubernetes";
import type { Ledger } from "@node-agent/shared/core/ledger/ledger.ts";
import type { Config } from "@node-agent/shared/runtime/config/config.ts";
import { deadlineSignal } from "@node-agent/shared/runtime/deadline.ts";
import { messageOf } from "./errors.ts";
import { withKubernetes } from "./session.ts";
import type { Terminal } from "./terminal.ts";

/**
 * The ledger whose orders are shown beside something else, or why they are not known. `failed`: it could not be asked, as
 * opposed to an answer that there is none that can be used. Neither: none is kept (monitor-only).
 */
export interface LedgerOrders {
  readonly ledger?: Ledger;
  readonly unknown?: string;
  readonly failed?: true;
}

/** Reads the ledger for the orders in it; never rejects because of the ledger. */
export async function readLedgerOrders(config: Config, terminal: Terminal): Promise<LedgerOrders> {
  if (config.monitorOnly) return {};
  return withKubernetes(config, terminal, async (connection) => {
    using late = deadlineSignal(
      terminal.clock,
      config.timings.nodeReadDeadline,
      new AbortController().signal,
    );
    try {
      const reading = await createConfigMapLedger(connection, config.ledger).read(late.signal);
      return reading.state === "Found" ? { ledger: reading.ledger } : { unknown: reading.why };
    } catch (error) {
      return { unknown: messageOf(error), failed: true };
    }
  });
}
