import { spawn, type ChildProcess } from "node:child_process";
import { Socket } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { eventually } from "./eventually.ts";

/** The root of the repository. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** How a process ended: one of the two is set. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A log line of an agent: what it says, when, and whatever facts it carries. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly level: string; readonly msg: string };

/** What to run: a TypeScript file of this repository, relative to its root, by the Node that runs the tests. */
export interface ProcessOptions {
  readonly name: string;
  readonly script: string;
  readonly args?: readonly string[];
  /** The whole environment besides PATH and HOME: nothing of the test run leaks in. */
  readonly env?: Readonly<Record<string, string>>;
}

/** A process of a test. Disposing kills it (SIGKILL) and waits for its end. */
export interface RunningProcess extends AsyncDisposable {
  readonly name: string;
  readonly pid: number;
  /** Whole lines of standard output so far. */
  readonly lines: readonly string[];
  /** Standard error so far. */
  readonly stderr: () => string;
  /** Standard output as log lines. Throws when a line is no JSON object with a message. */
  readonly logs: () => LogLine[];
  /** How it ended; undefined while it runs. */
  readonly exit: () => Exit | undefined;
  readonly exited: Promise<Exit>;
  readonly send: (signal: NodeJS.Signals) => void;
  /** `kill -9`; resolves when it is gone. */
  readonly kill9: () => Promise<void>;
}

/** Outlives this process, however it ends, and takes what it started with it. */
let reaper: ChildProcess | undefined;

function tellReaper(line: string): void {
  if (reaper === undefined) {
    const script = fileURLToPath(new URL("processes-reaper.mjs", import.meta.url));
    reaper = spawn(process.execPath, [script], { detached: true, stdio: ["pipe", "ignore", "ignore"] });
    reaper.unref();
    // A pipe is a socket, and an open one would keep this process from ending.
    if (reaper.stdin instanceof Socket) reaper.stdin.unref();
  }
  reaper.stdin?.write(`${line}\n`);
}

/** Starts a process of ours and keeps everything it prints. */
export function startProcess({ name, script, args = [], env = {} }: ProcessOptions): RunningProcess {
  return startProgram({ name, program: process.execPath, args: [join(ROOT, script), ...args], env });
}

/** A program that is not ours, by its path or by its name on the PATH. */
export interface ProgramOptions extends Omit<ProcessOptions, "script"> {
  readonly program: string;
}

/** Starts any program as `startProcess` starts one of ours. */
export function startProgram({ name, program, args = [], env = {} }: ProgramOptions): RunningProcess {
  const child = spawn(program, args, {
    cwd: ROOT,
    env: {
      PATH: process.env["PATH"],
      HOME: process.env["HOME"],
      // Starting takes a third of the time when the compiled code is kept.
      NODE_COMPILE_CACHE: join(ROOT, ".data", "compile-cache"),
      ...env,
    },
    stdio: ["ignore", "pipe", "pipe"],
  });
  tellReaper(`+${child.pid}`);
  const lines: string[] = [];
  let errors = "";
  let ended: Exit | undefined;
  createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString("utf8");
  });
  const exited = new Promise<Exit>((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code, signal) => {
      tellReaper(`-${child.pid}`);
      ended = { code, signal };
      resolve(ended);
    });
  });
  const send = (signal: NodeJS.Signals): void => {
    if (ended === undefined) child.kill(signal);
  };
  const kill9 = async (): Promise<void> => {
    // A process that was stopped cannot be killed gracefully, but it can be killed.
    send("SIGKILL");
    await exited;
  };
  return {
    name,
    pid: child.pid ?? 0,
    lines,
    stderr: () => errors,
    logs: () => lines.map((line) => parseLog(line, name)),
    exit: () => ended,
    exited,
    send,
    kill9,
    [Symbol.asyncDispose]: kill9,
  };
}

function parseLog(line: string, name: string): LogLine {
  try {
    const parsed: unknown = JSON.parse(line);
    if (isLogLine(parsed)) return parsed;
  } catch {
    // Told below: a log that is not all JSON cannot be searched.
  }
  throw new Error(`${name} printed a line that is no log line: ${line}`);
}

function isLogLine(parsed: unknown): parsed is LogLine {
  return typeof parsed === "object" && parsed !== null && "level" in parsed && "msg" in parsed;
}

/** Waits for a line of standard output that `pick` makes something of. Fails when the process ends before. */
export async function lineOf<T>(
  running: RunningProcess,
  pick: (line: string) => T | undefined,
  { within = 30_000 }: { readonly within?: number } = {},
): Promise<T> {
  let read = 0;
  let failure: Error | undefined;
  const found = await eventually(
    () => {
      for (; read < running.lines.length; read += 1) {
        const picked = pick(running.lines[read] ?? "");
        if (picked !== undefined) return picked;
      }
      const exit = running.exit();
      if (exit === undefined) throw new Error(`${running.name} has not said it yet`);
      failure = new Error(
        `${running.name} ended (${JSON.stringify(exit)}): ${running.stderr()}${running.lines.at(-1) ?? ""}`,
      );
      return undefined;
    },
    { within },
  );
  if (found === undefined) throw failure ?? new Error(`${running.name} ended`);
  return found;
}
