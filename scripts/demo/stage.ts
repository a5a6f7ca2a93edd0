import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { NODE_OPTIONS } from "../setup/node-options.ts";
import type { EpochMillis } from "@node-agent/shared/core/time.ts";
import { startProcess, type DemoProcess } from "./process.ts";

/** The root of the repository. */
export const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** How long one process may take to stop before it is killed. */
const STOP_GRACE = 17_000;

type Line = Readonly<Record<string, unknown>>;

/** One run: its processes, its folder, and what is said of it. */
export interface Stage {
  /** Configuration, kubeconfig and logs of this run; removed when it ends well. */
  readonly directory: string;
  /** Fires when the run ends, for whatever reason. */
  readonly stopping: AbortSignal;
  /** Says something with the time: since the start, or of the day (UTC) where a watch may last for days. */
  readonly say: (text: string) => void;
  /** Prints a line as it is. */
  readonly print: (text: string) => void;
  /** Starts a process of packages/; `onLine` gets each of its log lines. */
  readonly launch: (name: string, script: string, options: LaunchOptions) => void;
  /** Starts two watchers, two workers and the queue dashboard, and waits until all of them serve. */
  readonly launchAgent: (
    config: string,
    env: NodeJS.ProcessEnv,
    onLine: (line: Line) => void,
  ) => Promise<void>;
  /** Where metrics, dashboard and logs are. */
  readonly printEndpoints: () => void;
  /** Has something done once every process has stopped. */
  readonly atEnd: (task: () => Promise<void>) => void;
  readonly stop: () => void;
}

/** How a process is started; `env` is its whole environment. */
export interface LaunchOptions {
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly onLine: (line: Line) => void;
}

/** A line with an instant of UTC before it. */
export function stamped(text: string, at: EpochMillis): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z  ${text}`;
}

const print = (text: string): void => void process.stdout.write(`${text}\n`);

/** A stage, and its end: it stops every process and removes the folder unless something failed. */
export function openStage(times: "elapsed" | "utc"): Stage & { readonly close: () => Promise<void> } {
  const startedAt = performance.now();
  const processes: DemoProcess[] = [];
  const lastTasks: (() => Promise<void>)[] = [];
  const ending = new AbortController();
  const endpoints = new Map<string, string>();
  mkdirSync(join(ROOT, ".data"), { recursive: true });
  const directory = mkdtempSync(join(ROOT, ".data", "demo-"));
  const say = (text: string): void => {
    const seconds = ((performance.now() - startedAt) / 1000).toFixed(1).padStart(6);
    print(times === "elapsed" ? `${seconds} s  ${text}` : stamped(text, Date.now()));
  };

  const onDeath = (name: string, how: string, lastWords: string): void => {
    // The others fall with the first: one explanation is enough.
    if (!ending.signal.aborted) {
      say(`${name} ended (${how}); its log is ${relative(ROOT, join(directory, `${name}.log`))}`);
      if (lastWords !== "") print(`  ${lastWords}`);
    }
    process.exitCode = 1;
    ending.abort();
  };
  const launch: Stage["launch"] = (name, script, { args, env, onLine }) => {
    processes.push(
      startProcess({
        name,
        script: join(ROOT, "packages", script),
        args,
        env: { ...env, NODE_OPTIONS, NODE_COMPILE_CACHE: join(ROOT, ".data", "compile-cache") },
        logDirectory: directory,
        onLine,
        onDeath: (how, lastWords) => onDeath(name, how, lastWords),
      }),
    );
  };
  return {
    directory,
    stopping: ending.signal,
    say,
    print,
    launch,
    launchAgent: async (config, env, onLine) => {
      const names = ["watcher-1", "watcher-2", "worker-1", "worker-2", "console"];
      for (const name of names) {
        const role = name.split("-", 1)[0] ?? name;
        launch(name, `${role}/src/main.ts`, {
          args: ["--config", config],
          env,
          onLine: (line) => {
            onLine(line);
            if (typeof line["port"] === "number")
              endpoints.set(name, `http://127.0.0.1:${line["port"]}/metrics`);
            if (name === "console" && typeof line["url"] === "string") endpoints.set(name, line["url"]);
          },
        });
      }
      while (!ending.signal.aborted && endpoints.size < names.length) await delay(50);
    },
    printEndpoints: () => {
      for (const [name, url] of [...endpoints].toSorted(([a], [b]) => a.localeCompare(b)))
        print(`    ${name === "console" ? "pending reboots" : `metrics of ${name}`}  ${url}`);
      print(`    logs  ${relative(ROOT, directory)}/*.log`);
    },
    atEnd: (task) => void lastTasks.push(task),
    stop: () => ending.abort(),
    close: async () => {
      await Promise.all(processes.map(async (one) => one.stop(STOP_GRACE)));
      await Promise.all(lastTasks.map(async (task) => task()));
      if (process.exitCode === undefined || process.exitCode === 0)
        rmSync(directory, { recursive: true, force: true });
    },
  };
}
