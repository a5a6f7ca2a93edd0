import type { GateName } from "@node-agent/shared/core/gates/gate.ts";
import type { Hosting } from "@node-agent/shared/core/hosting.ts";
import type { NodeEvidence } from "@node-agent/shared/core/node-evidence.ts";
import type { NodeRecord } from "@node-agent/shared/core/record.ts";
import type { FleetHealth } from "@node-agent/shared/core/storm/fleet.ts";
import type { Millis } from "@node-agent/shared/core/time.ts";
import type { RebootTarget } from "@node-agent/shared/ports/executor.ts";
import type { NodeReadResult } from "@node-agent/shared/ports/node-reader.ts";
import { deadlineSignal } from "@node-agent/shared/runtime/deadline.ts";
import { tried, type RebootDeps, type Transaction } from "./reboot-transaction.ts";

/** A node that was read a moment ago, with the addresses that it has. */
export type FreshNode = Extract<NodeReadResult, { found: true }>;

/** What was read of the world beyond the node itself. */
export interface WorldLook {
  readonly records: readonly NodeRecord[];
  readonly health: FleetHealth;
  readonly target: RebootTarget;
  /** The cloud says that this VM has GPUs. */
  readonly hasGpus: boolean;
  readonly hosting: Hosting | undefined;
  /** What the agents' pods say; absent: the failure does not depend on one. */
  readonly evidence?: NodeEvidence;
}

/** The look, or the gate that holds because something could not be read. */
export type Looked =
  | WorldLook
  | { readonly gate: GateName; readonly why: string; readonly retryAfter: Millis | undefined };

/**
 * Steps 5 and 6 of the transaction: the fleet, the VM behind the node, what else runs there, and, where only
 * checkers of agents ask for the repair (`reads.evidence`), what the agents' pods say.
 */
export async function lookAtWorld(
  transaction: Transaction,
  { node, addresses }: FreshNode,
  deps: RebootDeps,
  reads: { readonly evidence: boolean },
): Promise<Looked> {
  const { store, fleet, executor, journal, whereabouts } = deps;
  const { now } = transaction.stored.view;
  const { stopwatch } = transaction;
  const records = await stopwatch.time("Redis", async () => store.listUnhealthy());
  const fresh = { node, since: transaction.startedMono };
  const health = await tried(transaction, deps, "Fleet", async (signal) =>
    fleet.health(async () => records, now, signal, fresh),
  );
  if ("failed" in health) return { gate: "Breaker", why: health.failed, retryAfter: undefined };
  const [resolved, evidence] = await Promise.all([
    tried(transaction, deps, "Cloud", async (signal) => executor.resolve(node, signal)),
    reads.evidence ? stopwatch.time("Pods", async () => evidenceOf(transaction, node.name, deps)) : undefined,
  ]);
  if ("failed" in resolved) return { gate: "Cloud", why: resolved.failed, retryAfter: undefined };
  if (!resolved.value.ok) {
    const { failure, detail, retryAfter } = resolved.value;
    const gate = failure === "IdentityMismatch" || failure === "NotFound" ? "Identity" : "Cloud";
    const why = `${failure}: ${detail}`;
    journal.fault("Cloud", why, transaction.node);
    return { gate, why, retryAfter };
  }
  const { target, gpuCount = 0 } = resolved.value;
  const hosting = await stopwatch.time("Redis", async () =>
    whereabouts.hosting(node.name, addresses, records),
  );
  const seen = { records, health: health.value, target, hasGpus: gpuCount > 0, hosting };
  return { ...seen, ...(evidence === undefined ? {} : { evidence }) };
}

async function evidenceOf(
  { signal }: Transaction,
  node: string,
  { evidence, clock, timings }: RebootDeps,
): Promise<NodeEvidence> {
  using deadline = deadlineSignal(clock, timings.readDeadline, signal);
  return await evidence.read(node, deadline.signal);
}
