import { spawn, type ChildProcess } from "node:child_process";
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";

/** How one of our processes is started. */
export interface DemoProcessOptions {
  /** For messages and the log file, e.g. `worker-1`. */
  readonly name: string;
  readonly script: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** Where its log goes, whole. */
  readonly logDirectory: string;
  /** Every line of its standard output that is a JSON object. */
  readonly onLine: (line: Readonly<Record<string, unknown>>) => void;
  /** It ended though nobody asked it to. */
  readonly onDeath: (how: string, lastWords: string) => void;
}

/** A running process of ours. */
export interface DemoProcess {
  readonly name: string;
  readonly logFile: string;
  /** SIGTERM, then SIGKILL when it takes longer than `grace` milliseconds. */
  stop(grace: number): Promise<void>;
}

/** Starts a process whose standard output is JSON lines. */
export function startProcess(options: DemoProcessOptions): DemoProcess {
  const logFile = join(options.logDirectory, `${options.name}.log`);
  const log = createWriteStream(logFile);
  const child = spawn(process.execPath, [options.script, ...options.args], {
    env: options.env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let stopping = false;
  let lastWords = "";
  const hear = (line: string): void => {
    log.write(`${line}\n`);
    const parsed = parseLine(line);
    if (parsed === undefined) lastWords = `${lastWords}${line}\n`.slice(-2000);
    else if (parsed["level"] === "fatal") lastWords = reasonOf(parsed);
    else options.onLine(parsed);
  };
  createInterface({ input: child.stdout }).on("line", hear);
  createInterface({ input: child.stderr }).on("line", hear);
  child.once("exit", (code, signal) => {
    log.end();
    if (!stopping) options.onDeath(signal ?? `exit code ${code ?? "unknown"}`, lastWords.trim());
  });
  return {
    name: options.name,
    logFile,
    stop: async (grace) => {
      stopping = true;
      await endProcess(child, grace);
    },
  };
}

async function endProcess(child: ChildProcess, grace: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
  });
  child.kill("SIGTERM");
  const late = new AbortController();
  await Promise.race([ended, delay(grace, undefined, { signal: late.signal }).catch(() => undefined)]);
  late.abort();
  if (child.exitCode === null && child.signalCode === null) child.kill("SIGKILL");
  await ended;
}

/** Why a process of ours gave up, from its last log line. */
function reasonOf({ err, msg }: Readonly<Record<string, unknown>>): string {
  const message = typeof err === "object" && err !== null && "message" in err ? err.message : undefined;
  return `${String(msg)}: ${typeof message === "string" ? message : "see its log"}`;
}

function parseLine(line: string): Readonly<Record<string, unknown>> | undefined {
  if (!line.startsWith("{")) return undefined;
  try {
    const parsed: unknown = JSON.parse(line);
    return typeof parsed === "object" && parsed !== null ? { ...parsed } : undefined;
  } catch {
    return undefined;
  }
}
