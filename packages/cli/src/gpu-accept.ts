import type { Command } from "commander";
import { annotateNode, createNodeReader } from "@node-agent/kubernetes";
import { ACCEPTED_GPUS_ANNOTATION, acceptedGpus } from "@node-agent/shared/core/checkers/gpu-memory.ts";
import { gpuViewOf, isGpuNode } from "@node-agent/shared/core/checkers/gpu-resources.ts";
import { toSnapshot } from "@node-agent/shared/core/snapshot.ts";
import { authorOf } from "./author.ts";
import { CliError } from "./errors.ts";
import { nodeName, reasonText } from "./names.ts";
import { readConfig, withKubernetes, type GlobalOptions } from "./session.ts";
import type { Terminal } from "./terminal.ts";
import { instantText, jsonText, printable } from "./text.ts";

/** Who accepted the number, when and why; outside of our prefix, so that no rule and no snapshot has to carry it. */
const AUDIT_ANNOTATION = "audit.node-agent.civo.com/accepted-gpus";

/** The input of `gpu accept`. */
type AcceptOptions = GlobalOptions & { readonly reason: string; readonly remove?: boolean };

/** Adds `gpu accept` to the command line. */
export function addGpu(program: Command, terminal: Terminal): void {
  program
    .command("gpu")
    .description("what the GPU checker expects of a node")
    .command("accept")
    .description("expect the GPUs that the node offers now, because others were removed or hidden on purpose")
    .argument("<node>", "name of the node")
    .requiredOption("--reason <text>", "why; kept on the node")
    .option("--remove", "end the acceptance: expect again what was seen before")
    .action(async (node: string, _: unknown, command: Command) => {
      await gpuAcceptCommand(node, command.optsWithGlobals<AcceptOptions>(), terminal);
    });
}

/** `gpu accept`: the present number of GPUs is the expected one from now on, by an annotation of the node. */
async function gpuAcceptCommand(name: string, options: AcceptOptions, terminal: Terminal): Promise<void> {
  const node = nodeName(name);
  const reason = reasonText(options.reason);
  const config = readConfig(options, terminal);
  await withKubernetes(config, terminal, async (connection) => {
    const read = await createNodeReader({ connection, project: toSnapshot }).read(node);
    if (!read.found) throw new CliError("NotFound", `there is no node ${node} in the cluster`);
    const before = acceptedGpus(read.node);
    if (options.remove !== true && !isGpuNode(read.node) && before === undefined) {
      throw new CliError("NotFound", `node ${node} shows no GPU: there is no number to accept`);
    }
    const view = gpuViewOf(read.node);
    const accepted = options.remove === true ? undefined : view.allocatable + view.renamed;
    const by = await authorOf(connection, terminal);
    const at = instantText(terminal.clock.now());
    await annotateNode(connection, node, {
      [ACCEPTED_GPUS_ANNOTATION]: accepted === undefined ? null : String(accepted),
      [AUDIT_ANNOTATION]: accepted === undefined ? null : `${accepted} by ${by} at ${at}: ${reason}`,
    });
    const order = { node, accepted: accepted ?? null, before: before ?? null, by, at, reason };
    if (options.output === "json") terminal.out(jsonText(order));
    else terminal.out(printable(`${orderText(order)} by ${by} at ${at}: ${reason}`) + "\n");
    if (accepted !== undefined && view.allocatable < view.capacity) {
      const unusable = view.capacity - view.allocatable;
      terminal.err(
        `node-agent: the device plugin reports ${unusable} of ${view.capacity} units as unhealthy; that still fails the node\n`,
      );
    }
  });
}

function orderText({
  node,
  accepted,
  before,
}: {
  readonly node: string;
  readonly accepted: number | null;
  readonly before: number | null;
}): string {
  if (accepted === null) {
    return before === null
      ? `node ${node} had no accepted number`
      : `node ${node}: acceptance of ${before} ended`;
  }
  return `node ${node}: ${accepted} GPU${accepted === 1 ? "" : "s"} expected from now on`;
}
