/** @file Child processes of the set-up. */
import { spawn } from "node:child_process";

/**
 * Runs a command to its end. Resolves to its exit code (a signal counts as 1, a command that cannot start as 127) and
 * its output, stdout and stderr together; with `show` the output goes to the terminal instead.
 */
export function run(command, args, { show = false, timeout, signal, ...options } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      stdio: show ? "inherit" : ["ignore", "pipe", "pipe"],
      timeout,
      ...options,
    });
    const chunks = [];
    child.stdout?.on("data", (chunk) => chunks.push(chunk));
    child.stderr?.on("data", (chunk) => chunks.push(chunk));
    const stop = () => child.kill("SIGTERM");
    signal?.addEventListener("abort", stop, { once: true });
    const finish = (code, extra = "") => {
      signal?.removeEventListener("abort", stop);
      resolve({ code, output: Buffer.concat(chunks).toString("utf8") + extra });
    };
    child.on("error", (error) => finish(127, error.message));
    child.on("close", (code) => finish(code ?? 1));
  });
}
