import { Command, Option } from "commander";
import { VERSION } from "@node-agent/shared/runtime/version.ts";
import { explainCommand } from "./explain-command.ts";
import { addGpu } from "./gpu-accept.ts";
import { CliError } from "./errors.ts";
import { addGrant } from "./grant.ts";
import { ledgerInitCommand } from "./ledger-init.ts";
import { ledgerShowCommand } from "./ledger-show.ts";
import { addTrust } from "./ledger-trust.ts";
import { pauseCommand, resumeCommand, type ScopeOptions } from "./pause.ts";
import type { GlobalOptions } from "./session.ts";
import { addPlan } from "./plan-command.ts";
import { addRetry } from "./retry.ts";
import { addStatus } from "./status-command.ts";
import type { Terminal } from "./terminal.ts";

/** The commands and their flags. `exit` hears the code of a command that has one of its own. */
export function createProgram(terminal: Terminal, exit: (code: number) => void): Command {
  const program = new Command("node-agent")
    .description("Looks into the agent that brings Kubernetes nodes back, and gives it orders.")
    .version(VERSION, "-v, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .addOption(
      new Option("-o, --output <format>", "how data is printed").choices(["table", "json"]).default("table"),
    )
    .option("--config <file>", "YAML file with the settings of the agent; give the one the workers have")
    .option("--kubeconfig <file>", "kubeconfig; empty means in-cluster")
    .option("--context <name>", "context of the kubeconfig")
    .option("--cluster <name>", "name of the cluster in Redis")
    .option("--no-color", "no colours (so does NO_COLOR)")
    .exitOverride()
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.err })
    .showHelpAfterError("(node-agent --help tells more)");

  program
    .command("explain")
    .description("say why a node is not being rebooted, and when it may be")
    .argument("<node>", "name of the node")
    .option("--exit-code", "exit 3 when something holds the reboot of a sick node")
    .action(async (node: string, _: unknown, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions & { exitCode?: boolean }>();
      exit(await explainCommand(node, options, terminal));
    });
  addStatus(program, terminal, exit);
  addPlan(program, terminal, exit);
  addRetry(program, terminal);
  addGpu(program, terminal);
  addPauses(program, terminal);
  addGrant(program, terminal);
  addLedger(program, terminal);
  return program;
}

function scoped(command: Command): Command {
  return command
    .addOption(new Option("--pool <id>", "only this node pool").conflicts("node"))
    .option("--node <name>", "only this node");
}

function addPauses(program: Command, terminal: Terminal): void {
  scoped(program.command("pause"))
    .description("let no reboot begin, in the fleet, a pool or a node, until it is resumed")
    .requiredOption("--reason <text>", "why, for whoever finds it")
    .option("--for <span>", "how long, such as 2h; without it, until it is resumed")
    .action(async (_: unknown, command: Command) => {
      await pauseCommand(
        command.optsWithGlobals<GlobalOptions & ScopeOptions & { reason: string; for?: string }>(),
        terminal,
      );
    });
  scoped(program.command("resume"))
    .description("end the pause of exactly this fleet, pool or node")
    .action(async (_: unknown, command: Command) => {
      await resumeCommand(command.optsWithGlobals<GlobalOptions & ScopeOptions>(), terminal);
    });
}

function addLedger(program: Command, terminal: Terminal): void {
  const ledger = program
    .command("ledger")
    .description("the record of reboots in the cluster, without which active mode reboots nothing");
  ledger
    .command("init")
    .description("create the ledger of this cluster; changes none that exists")
    .action(async (_: unknown, command: Command) => {
      await ledgerInitCommand(command.optsWithGlobals<GlobalOptions>(), terminal);
    });
  ledger
    .command("show")
    .description("print what the ledger holds, and whether it is believed")
    .action(async (_: unknown, command: Command) => {
      await ledgerShowCommand(command.optsWithGlobals<GlobalOptions>(), terminal);
    });
  addTrust(ledger, terminal);
  ledger
    .command("grant")
    .description("was replaced by: node-agent grant")
    .allowExcessArguments()
    .allowUnknownOption()
    .action(() => {
      throw new CliError(
        "Usage",
        "ledger grant was replaced by: node-agent grant --reason TEXT [--zone ZONE] [--pool POOL] [--checker CHECKER] [--for 2h]",
      );
    });
}
