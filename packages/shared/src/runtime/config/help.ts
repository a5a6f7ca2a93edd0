import type { Role } from "./config.ts";
import { CONFIG_TABLE, SECRET_TABLE } from "./table.ts";

const ABOUT: Readonly<Record<Role, string>> = {
  watcher: "Watches the nodes of a cluster and puts their snapshots on Redis.",
  worker: "Judges node snapshots and reboots the VM behind a node that stays unhealthy.",
  console: "Serves the queue dashboard.",
};

function line(name: string, meaning: string, fallback = ""): string {
  return `  ${name.padEnd(42)} ${meaning}${fallback === "" ? "" : ` [${fallback}]`}`;
}

/** The text of `--help`, made from the table of settings. */
export function helpText(role: Role): string {
  const flags = CONFIG_TABLE.flatMap(({ flag, meaning, default: fallback }) =>
    flag === undefined ? [] : [line(`--${flag} <value>`, meaning, fallback)],
  );
  const variables = CONFIG_TABLE.filter(({ key }) => !key.startsWith("timings.")).flatMap((row) =>
    row.env.map(({ name }) => line(name, row.meaning, row.default)),
  );
  return [
    `node-agent ${role}: ${ABOUT[role]}`,
    "",
    `Usage: node packages/${role}/src/main.ts [flags]`,
    "",
    "Flags win over the environment, the environment over the file, the file over the defaults.",
    "",
    "Flags:",
    line("--config <file>", "YAML file with settings."),
    ...flags,
    line("--help, --version", "Print this text, or the version, and exit."),
    "",
    "Environment:",
    ...variables,
    ...SECRET_TABLE.map((row) => line(row.variable, row.meaning)),
    line("CIVO_NODE_AGENT_TIMINGS_...", "Durations of the protocol; see docs/configuration.md."),
    "",
  ].join("\n");
}
