import type { Command } from "commander";
import { CLI_EXIT } from "./errors.ts";
import { readFleet } from "./fleet-reading.ts";
import { readLedgerOrders } from "./ledger-orders.ts";
import { readConfig, type GlobalOptions } from "./session.ts";
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
 * could not be read, and the summary is one of the nodes alone, or the ledger could not.
 */
async function statusCommand(options: GlobalOptions, terminal: Terminal): Promise<number> {
  const config = readConfig(options, terminal);
  const orders = await readLedgerOrders(config, terminal);
  const { summary, unread } = await readFleet(config, terminal, orders.ledger);
  terminal.out(
    options.output === "json"
      ? jsonText({ cluster: config.cluster, ...summary })
      : statusText(summary, config.cluster, orders.unknown),
  );
  if (unread !== undefined)
    terminal.err(`node-agent: ${printable(unread)}; phases and clocks are not shown\n`);
  if (orders.failed === true)
    terminal.err(
      `node-agent: the ledger could not be read: ${printable(orders.unknown ?? "?")}; pauses and grants are not shown\n`,
    );
  return unread === undefined && orders.failed !== true ? CLI_EXIT.ok : CLI_EXIT.error;
}
