import { spawn } from "node:child_process";
import type { Millis } from "@node-agent/shared/core/time.ts";
import type { Clock } from "@node-agent/shared/ports/clock.ts";
import { scrub } from "../connection/scrub.ts";
import { KubernetesApiError } from "../errors.ts";

/** The largest answer of a plugin that is read; an ExecCredential has a few kilobytes. */
const MAX_OUTPUT = 1024 * 1024;

/** A program to run, with everything it needs. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/**
 * Runs a program without a terminal and resolves with its standard output. The whole process group is killed when it
 * takes longer than `timeout` or the signal fires. Rejects with `CredentialFailed`; what the program wrote to its
 * standard output is never part of the message.
 */
export function runCommand(
  command: Command,
  { clock, timeout, signal }: { clock: Clock; timeout: Millis; signal: AbortSignal },
): Promise<string> {
  const failed = (why: string, cause?: unknown): KubernetesApiError =>
    new KubernetesApiError("CredentialFailed", `exec plugin ${command.file}: ${why}`, { cause });
  return new Promise<string>((resolve, reject) => {
    // Its own process group, so that what a shell script started goes with it.
    const child = spawn(command.file, command.args, {
      env: { ...command.env },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    const timer = new AbortController();
    let output = "";
    let complaint = "";
    const finish = (settle: () => void): void => {
      timer.abort();
      signal.removeEventListener("abort", onAbort);
      settle();
    };
    const kill = (why: string): void => {
      child.stdout.destroy();
      child.stderr.destroy();
      try {
        if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
      } catch {
        // It ended by itself in the meantime.
      }
      finish(() => reject(failed(why)));
    };
    const onAbort = (): void => kill("stopped");
    signal.addEventListener("abort", onAbort, { once: true });
    const watchTime = async (): Promise<void> => {
      await clock.sleep(timeout, timer.signal);
      if (!timer.signal.aborted) kill(`no answer within ${timeout} ms`);
    };
    void watchTime();
    child.stdout.setEncoding("utf8").on("data", (chunk: string) => {
      output += chunk;
      if (output.length > MAX_OUTPUT) kill("its answer is larger than 1 MiB");
    });
    child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
      complaint = (complaint + chunk).slice(-4096);
    });
    child.on("error", (fault: NodeJS.ErrnoException) =>
      finish(() =>
        reject(failed(fault.code === "ENOENT" ? "no such program" : (fault.code ?? "failed"), fault)),
      ),
    );
    child.on("close", (exitCode, killedBy) =>
      finish(() => {
        if (exitCode === 0) return resolve(output);
        const said = scrub(complaint);
        reject(failed(`ended with ${exitCode ?? killedBy}${said === "" ? "" : `: ${said}`}`));
      }),
    );
    if (signal.aborted) onAbort();
  });
}
