import type { Explanation } from "@node-agent/shared/core/explain.ts";
import { CLI_EXIT } from "./errors.ts";
import { explainNode } from "./explain-node.ts";
import { explanationText } from "./explain-text.ts";
import { nodeName } from "./names.ts";
import { readConfig, type GlobalOptions } from "./session.ts";
import type { Terminal } from "./terminal.ts";
import { jsonText, paletteFor, printable } from "./text.ts";

/** `explain <node>`: returns the exit code, which with `--exit-code` tells whether something holds a sick node's reboot. */
export async function explainCommand(
  name: string,
  options: GlobalOptions & { readonly exitCode?: boolean },
  terminal: Terminal,
): Promise<number> {
  const config = readConfig(options, terminal);
  const { explanation, unread, otherMode } = await explainNode(nodeName(name), config, terminal);
  const palette = paletteFor(options.color && terminal.isTty && !terminal.env["NO_COLOR"]);
  terminal.out(options.output === "json" ? jsonText(explanation) : explanationText(explanation, palette));
  if (otherMode) {
    const mine = config.monitorOnly ? "monitor-only" : "active";
    terminal.err(
      `node-agent: the workers run in the other mode; this command was told ${mine}: give it their configuration (--config)\n`,
    );
  }
  for (const sentence of unread) terminal.err(`node-agent: ${printable(sentence)}\n`);
  if (unread.length > 0) return CLI_EXIT.error;
  return options.exitCode === true && isBlocked(explanation) ? CLI_EXIT.blocked : CLI_EXIT.ok;
}

/** A node that needs no repair is not blocked. */
function isBlocked({ blocker }: Explanation): boolean {
  return blocker !== undefined && blocker.gate !== "NothingFailing";
}
