import { createConfigMapLedger } from "@node-agent/kubernetes";
import { withGrant } from "@node-agent/shared/core/ledger/steps.ts";
import { efficacyExceeded } from "@node-agent/shared/core/storm/budgets.ts";
import { changeLedger } from "./ledger-change.ts";
import { writerName } from "./names.ts";
import { readConfig, withKubernetes, type GlobalOptions } from "./session.ts";
import type { Terminal } from "./terminal.ts";
import { jsonText } from "./text.ts";

/** Slow start: one reboot at a time shows whether reboots cure again. */
const FIRST_WIDTH = 1;

/** `ledger grant`: lets reboots go on after the efficacy guard stopped them; nothing to do while it has not. */
export async function ledgerGrantCommand(options: GlobalOptions, terminal: Terminal): Promise<void> {
  const config = readConfig(options, terminal);
  await withKubernetes(config, terminal, async (connection) => {
    const store = createConfigMapLedger(connection, config.ledger);
    const by = writerName(terminal.who);
    const { changed, ledger } = await changeLedger(store, terminal.clock, (before, since) =>
      efficacyExceeded(before, config.storm) === undefined
        ? before
        : withGrant(before, { since, by, width: FIRST_WIDTH }),
    );
    if (options.output === "json") {
      terminal.out(
        jsonText({ changed, ...(ledger.meta.grant === undefined ? {} : { grant: ledger.meta.grant }) }),
      );
      return;
    }
    terminal.out(
      changed
        ? `granted: ${FIRST_WIDTH} reboot at a time may go on\n`
        : "nothing to grant: the efficacy guard holds no reboot\n",
    );
  });
}
