import { createNodeLister, createSnapshotFilter } from "@node-agent/kubernetes";
import { keysOf } from "@node-agent/shared/contract/keys.ts";
import { createCheckers } from "@node-agent/shared/core/checkers/registry.ts";
import type { FleetState, SummaryNode } from "@node-agent/shared/core/fleet-repairs.ts";
import { fleetSummary, type FleetSummary } from "@node-agent/shared/core/fleet-summary.ts";
import type { Ledger } from "@node-agent/shared/core/ledger/ledger.ts";
import { toSnapshot } from "@node-agent/shared/core/snapshot.ts";
import { RedisStateStore } from "@node-agent/shared/redis/state-store.ts";
import { policyOf, type Config } from "@node-agent/shared/runtime/config/config.ts";
import { deadlineSignal } from "@node-agent/shared/runtime/deadline.ts";
import { messageOf } from "./errors.ts";
import { withRedis } from "./redis-session.ts";
import { withKubernetes } from "./session.ts";
import type { Terminal } from "./terminal.ts";

/** The fleet as the API server lists it now, beside the records in Redis. */
export interface FleetReading {
  readonly summary: FleetSummary;
  /** Why Redis could not be read: the summary is one of the nodes alone. */
  readonly unread?: string;
}

/** Reads the fleet; pauses and grants of `ledger` count. Throws when the API server cannot list it. */
export async function readFleet(config: Config, terminal: Terminal, ledger?: Ledger): Promise<FleetReading> {
  const [nodes, state] = await Promise.all([readNodes(config, terminal), readState(config, terminal)]);
  const policy = policyOf(config);
  const rules = { policy, checkers: createCheckers(policy) };
  if ("unread" in state)
    return {
      summary: fleetSummary(nodes, undefined, rules, terminal.clock.now(), ledger),
      unread: state.unread,
    };
  // The store's clock is the one that records are written by.
  return { summary: fleetSummary(nodes, state, rules, state.now, ledger) };
}

async function readNodes(config: Config, terminal: Terminal): Promise<SummaryNode[]> {
  const { nodePools: pools, includeControlPlane, includeVirtual, timings } = config;
  const selects = createSnapshotFilter({ pools, includeControlPlane, includeVirtual });
  return withKubernetes(config, terminal, async (connection) => {
    using late = deadlineSignal(terminal.clock, timings.listPageTimeout, new AbortController().signal);
    const nodes: SummaryNode[] = [];
    for await (const snapshot of createNodeLister({ connection, project: toSnapshot }).list(late.signal))
      nodes.push({ snapshot, selected: selects(snapshot) });
    return nodes;
  });
}

/** What workers keep, with the instant of the reading; or the sentence that says why it could not be read. */
async function readState(
  config: Config,
  { clock }: Terminal,
): Promise<(FleetState & { readonly now: number }) | { readonly unread: string }> {
  try {
    return await withRedis(config, clock, async (redis) => {
      const store = new RedisStateStore(redis, keysOf(config.cluster));
      const [records, view] = await Promise.all([store.listAll(), store.view()]);
      return { records: new Map(records.map((record) => [record.name, record])), view, now: view.now };
    });
  } catch (error) {
    return { unread: messageOf(error) };
  }
}
