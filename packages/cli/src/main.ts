#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { hostname, userInfo } from "node:os";
import { systemClock } from "@node-agent/shared/runtime/system-clock.ts";
import { runCli } from "./run.ts";

// Whoever reads our output may have seen enough (`| head`): that is no error.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") throw error;
  process.exit();
});

process.exitCode = await runCli(process.argv.slice(2), {
  env: process.env,
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  isTty: process.stdout.isTTY,
  clock: systemClock,
  readFile: (path) => readFileSync(path, "utf8"),
  who: `${userName()}@${hostname()}`,
});

/** Who gives orders, for the ledger; a container may run under an id that has no name. */
function userName(): string {
  const named = process.env["USER"] ?? "";
  if (named !== "") return named;
  try {
    return userInfo().username;
  } catch {
    return `uid-${process.getuid?.() ?? "unknown"}`;
  }
}
