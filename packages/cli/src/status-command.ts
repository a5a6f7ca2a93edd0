import type { Command } from "commander";
import { createNodeLister, createSnapshotFilter } from "@node-agent/kubernetes";
import { keysOf } from "@node-agent/shared/contract/keys.ts";
import { createCheckers } from "@node-agent/shared/core/checkers/registry.ts";
import type { FleetState, SummaryNode } from "@node-agent/shared/core/fleet-repairs.ts";
import { fleetSummary } from "@node-agent/shared/core/fleet-summary.ts";
import { toSnapshot } from "@node-agent/shared/core/snapshot.ts";
import { RedisStateStore } from "@node-agent/shared/redis/state-store.ts";
import { policyOf, type Config } from "@node-agent/shared/runtime/config/config.ts";
import { deadlineSignal } from "@node-agent/shared/runtime/deadline.ts";
import { CLI_EXIT, messageOf } from "./errors.ts";
import { withRedis } from "./redis-session.ts";
import { readConfig, withKubernetes, type GlobalOptions } from "./session.ts";
import { statusText } from "./status-text.ts";
import type { Terminal } from "./terminal.ts";
import { jsonText, printable } from "./text.ts";

/** Adds `status` to the program. */
export function addStatus(program: Command, terminal: Terminal, exit: (code: number) => void): void {
  program
    .command("status")
    .description("summarise the fleet: nodes, checkers that apply, what fails and what would be repaired")
    .action(async (_: unknown, command: Command) => {
      exit(await statusCommand(command.optsWithGlobals<GlobalOptions>(), terminal));
    });
}

/**
 * `status`: the fleet as the API server lists it now, beside the records in Redis. Returns the exit code: 1 when Redis
 * could not be read, and the summary is one of the nodes alone.
 */
async function statusCommand(options: GlobalOptions, terminal: Terminal): Promise<number> {
  const config = readConfig(options, terminal);
  const [nodes, state] = await Promise.all([readNodes(config, terminal), readState(config, terminal)]);
  const policy = policyOf(config);
  const rules = { policy, checkers: createCheckers(policy) };
  // The store's clock is the one that records are written by.
  const now = "unread" in state ? terminal.clock.now() : state.now;
  const summary = fleetSummary(nodes, "unread" in state ? undefined : state, rules, now);
  terminal.out(
    options.output === "json"
      ? jsonText({ cluster: config.cluster, ...summary })
      : statusText(summary, config.cluster),
  );
  if (!("unread" in state)) return CLI_EXIT.ok;
  terminal.err(`node-agent: ${printable(state.unread)}; phases and clocks are not shown\n`);
  return CLI_EXIT.error;
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
