import {
  createConfigMapLedger,
  createLedger,
  readClusterUid,
  type KubernetesConnection,
} from "@node-agent/kubernetes";
import { emptyLedger } from "@node-agent/shared/core/ledger/steps.ts";
import { ledgerTimingsOf, policyOf, type Config } from "@node-agent/shared/runtime/config/config.ts";
import { longestWindow } from "@node-agent/shared/runtime/ledger-look.ts";
import { authorOf } from "./author.ts";
import { CliError } from "./errors.ts";
import { readLedger } from "./ledger-change.ts";
import { readConfig, withKubernetes, type GlobalOptions } from "./session.ts";
import type { Terminal } from "./terminal.ts";
import { instantText, jsonText, spanText, whenText } from "./text.ts";

/** `ledger init`: creates the ledger of this cluster, once, and nothing else. */
export async function ledgerInitCommand(options: GlobalOptions, terminal: Terminal): Promise<void> {
  const config = readConfig(options, terminal);
  const { namespace, name } = config.ledger;
  await withKubernetes(config, terminal, async (connection) => {
    const cluster = await readClusterUid(connection);
    const by = await authorOf(connection, terminal);
    // The server's clock: a ledger stamped by a wrong one would look silent, or alive, for as long as it is wrong.
    const { serverDate: startedAt = terminal.clock.now() } = await connection.request("/version");
    const write = await createLedger(connection, { namespace, name }, emptyLedger(cluster, by, startedAt));
    if (write.outcome === "Conflict") throw await refusal(config, connection);
    if (write.outcome === "Refused") throw refused(config, write.why);
    const store = createConfigMapLedger(connection, { namespace, name });
    // The answer to the creation may have been lost; what stands there now tells.
    const { createdAt, ledger } = await readLedger(store);
    const { heartbeatAt, heartbeatBy } = ledger.meta;
    const isOurs = write.outcome === "Written" || (heartbeatAt === startedAt && heartbeatBy === by);
    if (!isOurs) throw await refusal(config, connection);
    const longest = longestWindow({ policy: policyOf(config), timings: ledgerTimingsOf(config) });
    const usableAt = createdAt + longest;
    if (options.output === "json") terminal.out(jsonText({ namespace, name, cluster, createdAt, usableAt }));
    else terminal.out(`ConfigMap ${namespace}/${name} created: the ledger of cluster ${cluster}\n`);
    terminal.err(
      `node-agent: it is believed from ${whenText(usableAt, terminal.clock.now())} on, when it is older than the ` +
        `longest wait window (${spanText(longest)}); until then nothing is rebooted in active mode\n`,
    );
  });
}

async function refusal({ ledger: { namespace, name } }: Config, connection: KubernetesConnection) {
  const where = `ConfigMap ${namespace}/${name}`;
  const reading = await createConfigMapLedger(connection, { namespace, name }).read();
  if (reading.state !== "Found") {
    return new CliError(
      "Ledger",
      `${where} exists and is not the ledger of this cluster; nothing was changed: ${reading.why}`,
    );
  }
  const { createdAt, ledger } = reading;
  const since = `created at ${instantText(createdAt)}, ${ledger.entries.size} reboots`;
  return new CliError(
    "Ledger",
    `${where} is the ledger of this cluster already (${since}); nothing was changed`,
  );
}

function refused({ ledger: { namespace } }: Config, why: string): CliError {
  const missing = why.includes("namespaces") && why.includes("not found");
  const hint = missing ? `; create the namespace first: kubectl create namespace ${namespace}` : "";
  return new CliError("Ledger", `the ledger could not be created: ${why}${hint}`);
}
