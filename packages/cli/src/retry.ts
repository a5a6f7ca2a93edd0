import type { Command } from "commander";
import { annotateNode, createNodeReader } from "@node-agent/kubernetes";
import { RETRY_ANNOTATION } from "@node-agent/shared/core/retry.ts";
import { toSnapshot } from "@node-agent/shared/core/snapshot.ts";
import { authorOf } from "./author.ts";
import { CliError } from "./errors.ts";
import { nodeName, reasonText } from "./names.ts";
import { readConfig, withKubernetes, type GlobalOptions } from "./session.ts";
import type { Terminal } from "./terminal.ts";
import { instantText, jsonText, printable } from "./text.ts";

/** Who ordered it, when and why; outside of our prefix, so that no snapshot has to carry it. */
const AUDIT_ANNOTATION = "audit.node-agent.civo.com/retry";

/** Adds `retry` to the program. */
export function addRetry(program: Command, terminal: Terminal): void {
  program
    .command("retry")
    .description("repair a node again that was given up (Failed): attempts so far do not count any more")
    .argument("<node>", "name of the node")
    .requiredOption("--reason <text>", "why; kept on the node")
    .action(async (node: string, _: unknown, command: Command) => {
      await retryCommand(node, command.optsWithGlobals<GlobalOptions & { reason: string }>(), terminal);
    });
}

/** `retry`: ends Failed by an annotation of the node, which every worker sees and no loss of Redis undoes. */
async function retryCommand(
  name: string,
  options: GlobalOptions & { readonly reason: string },
  terminal: Terminal,
): Promise<void> {
  const node = nodeName(name);
  const reason = reasonText(options.reason);
  const config = readConfig(options, terminal);
  await withKubernetes(config, terminal, async (connection) => {
    const read = await createNodeReader({ connection, project: toSnapshot }).read(node);
    if (!read.found) throw new CliError("NotFound", `there is no node ${node} in the cluster`);
    const by = await authorOf(connection, terminal);
    const at = instantText(terminal.clock.now());
    await annotateNode(connection, node, {
      [RETRY_ANNOTATION]: at,
      [AUDIT_ANNOTATION]: `by ${by} at ${at}: ${reason}`,
    });
    if (options.output === "json") terminal.out(jsonText({ node, by, at, reason }));
    else
      terminal.out(
        printable(`node ${node}: attempts before ${at} do not count any more, by ${by}: ${reason}`) + "\n",
      );
  });
}
