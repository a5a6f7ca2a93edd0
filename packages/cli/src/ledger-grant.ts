import { createConfigMapLedger } from "@node-agent/kubernetes";
import { GRANT_LASTS } from "@node-agent/shared/core/ledger/grant.ts";
import type { Ledger } from "@node-agent/shared/core/ledger/ledger.ts";
import { withGrant } from "@node-agent/shared/core/ledger/steps.ts";
import { MINUTE, type EpochMillis } from "@node-agent/shared/core/time.ts";
import { changeLedger } from "./ledger-change.ts";
import { writerName } from "./names.ts";
import { readConfig, withKubernetes, type GlobalOptions } from "./session.ts";
import type { Terminal } from "./terminal.ts";
import { jsonText } from "./text.ts";

/** Slow start: one reboot at a time shows whether reboots cure again. */
const FIRST_WIDTH = 1;

/**
 * `ledger grant`: an operator looked and wants repair to go on, through a storm or after reboots that cured nothing. It
 * begins slowly, and a new grant begins anew.
 */
export async function ledgerGrantCommand(options: GlobalOptions, terminal: Terminal): Promise<void> {
  const config = readConfig(options, terminal);
  await withKubernetes(config, terminal, async (connection) => {
    const store = createConfigMapLedger(connection, config.ledger);
    const by = writerName(terminal.who);
    const { ledger } = await changeLedger(store, terminal.clock, (before, since) =>
      granted(before, by, since),
    );
    terminal.out(
      options.output === "json"
        ? jsonText({ changed: true, grant: ledger.meta.grant })
        : `granted: ${FIRST_WIDTH} reboot at a time may go on, also in a storm, for ${GRANT_LASTS / MINUTE} minutes and as long after each cure\n`,
    );
  });
}

/** The ledger with a grant that begins now. */
export function granted(ledger: Ledger, by: string, since: EpochMillis): Ledger {
  return withGrant(ledger, { since, by, width: FIRST_WIDTH });
}
