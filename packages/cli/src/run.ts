import { CommanderError } from "commander";
import { asCliError, CLI_EXIT } from "./errors.ts";
import { createProgram } from "./program.ts";
import type { Terminal } from "./terminal.ts";
import { printable } from "./text.ts";

/** Runs one command line (without runtime and script) and returns the exit code; never throws. */
export async function runCli(argv: readonly string[], terminal: Terminal): Promise<number> {
  let code: number = CLI_EXIT.ok;
  const program = createProgram(terminal, (own) => {
    code = own;
  });
  try {
    await program.parseAsync([...argv], { from: "user" });
    return code;
  } catch (error) {
    // Commander has written its own words; it ends help and version by an error as well.
    if (error instanceof CommanderError) return error.exitCode === 0 ? CLI_EXIT.ok : CLI_EXIT.usage;
    const failure = asCliError(error);
    const lines = failure.message.split("\n").map(printable);
    terminal.err(`node-agent: ${lines.join("\n")}\n`);
    return failure.exitCode;
  }
}
