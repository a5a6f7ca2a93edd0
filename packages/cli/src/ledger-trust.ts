import type { Command } from "commander";
import { createOrderLedger } from "@node-agent/kubernetes";
import { withTrust } from "@node-agent/shared/core/ledger/steps.ts";
import { authorOf } from "./author.ts";
import { CliError } from "./errors.ts";
import { changeLedger } from "./ledger-change.ts";
import { reasonText } from "./names.ts";
import { readConfig, withKubernetes, type GlobalOptions } from "./session.ts";
import type { Terminal } from "./terminal.ts";
import { instantText, jsonText, printable } from "./text.ts";

/** Adds `ledger trust` to the commands of the ledger. */
export function addTrust(ledger: Command, terminal: Terminal): void {
  ledger
    .command("trust")
    .description("end the quarantine of the ledger: you know that no repair is missing in it")
    .requiredOption("--reason <text>", "why it can be trusted; kept in the ledger")
    .action(async (_: unknown, command: Command) => {
      await trustCommand(command.optsWithGlobals<GlobalOptions & { reason: string }>(), terminal);
    });
}

/** `ledger trust`: a person takes it on himself that the store did not go back in time. */
async function trustCommand(
  options: GlobalOptions & { readonly reason: string },
  terminal: Terminal,
): Promise<void> {
  const reason = reasonText(options.reason);
  const config = readConfig(options, terminal);
  await withKubernetes(config, terminal, async (connection) => {
    const store = createOrderLedger(connection, config.ledger);
    const by = await authorOf(connection, terminal);
    const { changed, ledger } = await changeLedger(store, terminal.clock, (before, since) =>
      withTrust(before, { since, by, reason }),
    );
    const { trusted } = ledger.meta;
    if (!changed || trusted === undefined)
      throw new CliError(
        "Ledger",
        "the ledger is in no quarantine; nothing was changed. See: node-agent ledger show",
      );
    if (options.output === "json") terminal.out(jsonText({ changed, trusted }));
    else {
      const { since } = trusted;
      terminal.out(printable(`quarantine ended by ${trusted.by} at ${instantText(since)}: ${reason}`) + "\n");
    }
  });
}
