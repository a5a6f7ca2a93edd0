/**
 * `npm start`: the whole system as separate processes, and its story in plain lines. Started by scripts/start.mjs, which
 * brings Redis (REDIS_URL) and Node 24; when it goes away, so do we and all that we started.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { readArguments, USAGE, type DemoArguments } from "./arguments.ts";
import { startProcess, type DemoProcess } from "./process.ts";
import { REAL_CONFIG, SCALED_CONFIG } from "./settings.ts";
import { startSimulation, type Simulation } from "./simulation.ts";
import { tell } from "./story.ts";

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** How long one process may take to stop before it is killed. */
const STOP_GRACE = 17_000;

const startedAt = performance.now();
const processes: DemoProcess[] = [];
const stopping = new AbortController();
const endpoints = new Map<string, string>();
mkdirSync(join(ROOT, ".data"), { recursive: true });
const directory = mkdtempSync(join(ROOT, ".data", "demo-"));

function say(text: string): void {
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1).padStart(6);
  process.stdout.write(`${seconds} s  ${text}\n`);
}

function launch(name: string, script: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): void {
  processes.push(
    startProcess({
      name,
      script: join(ROOT, "packages", script),
      args,
      env: { ...process.env, NODE_COMPILE_CACHE: join(ROOT, ".data", "compile-cache"), ...env },
      logDirectory: directory,
      onLine: (line) => {
        const sentence = tell(line);
        if (sentence !== undefined) say(sentence);
        if (typeof line["port"] === "number") endpoints.set(name, `http://127.0.0.1:${line["port"]}/metrics`);
        if (name === "console" && typeof line["url"] === "string") endpoints.set(name, line["url"]);
      },
      onDeath: (how, lastWords) => {
        // The others fall with the first: one explanation is enough.
        if (!stopping.signal.aborted) {
          say(`${name} ended (${how}); its log is ${relative(ROOT, join(directory, `${name}.log`))}`);
          if (lastWords !== "") process.stdout.write(`  ${lastWords}\n`);
        }
        process.exitCode = 1;
        stopping.abort();
      },
    }),
  );
}

/** Two of each, as in production: none leads, and all of them may be killed. */
function launchAgent(config: string, kubeconfig: readonly string[], env: NodeJS.ProcessEnv): void {
  for (const number of [1, 2])
    launch(`watcher-${number}`, "watcher/src/main.ts", [...useConfig(config), ...kubeconfig], env);
  for (const number of [1, 2])
    launch(`worker-${number}`, "worker/src/main.ts", [...useConfig(config), ...kubeconfig], env);
  launch("console", "console/src/main.ts", [...useConfig(config), "--console-port", "0"], env);
}

function useConfig(file: string): string[] {
  return ["--config", file];
}

async function endpointsReady(): Promise<void> {
  while (!stopping.signal.aborted && endpoints.size < 5) await delay(50);
}

function printEndpoints(): void {
  for (const [name, url] of [...endpoints].toSorted(([a], [b]) => a.localeCompare(b))) {
    process.stdout.write(`    ${name === "console" ? "pending reboots" : `metrics of ${name}`}  ${url}\n`);
  }
  process.stdout.write(`    logs  ${relative(process.cwd(), directory)}/*.log\n`);
}

async function runSimulated(config: string): Promise<void> {
  const simulation: Simulation = await startSimulation(directory, launchSimulator, stopping.signal);
  say(`simulated cluster: ${simulation.summary}; a minute is a second here`);
  launchAgent(config, ["--kubeconfig", simulation.kubeconfig], simulation.env);
  await endpointsReady();
  say("two watchers, two workers and the queue dashboard are up");
  await simulation.settled();
  const broken = await simulation.breakTwo();
  for (const sentence of broken) say(sentence);
  process.stdout.write(
    `\n  Try, in another terminal:\n    kubectl --kubeconfig ${relative(process.cwd(), simulation.kubeconfig)} get nodes -w\n    ${simulation.example}\n`,
  );
  printEndpoints();
  process.stdout.write("  Ctrl-C ends everything.\n\n");
}

function launchSimulator(
  args: readonly string[],
  onReady: (line: Readonly<Record<string, unknown>>) => void,
): void {
  processes.push(
    startProcess({
      name: "simulator",
      script: join(ROOT, "packages/simulator/src/main.ts"),
      args,
      env: process.env,
      logDirectory: directory,
      onLine: onReady,
      onDeath: (how, lastWords) => {
        say(`the simulator ended (${how})\n${lastWords}`);
        process.exitCode = 1;
        stopping.abort();
      },
    }),
  );
}

async function runReal(config: string, { kubeconfig = "", context }: DemoArguments): Promise<void> {
  const selection = context === undefined ? [] : ["--context", context];
  launchAgent(config, ["--kubeconfig", kubeconfig, ...selection], {
    CIVO_NODE_AGENT_MONITOR_ONLY: "true",
    CIVO_CLUSTER_ID: process.env["CIVO_CLUSTER_ID"] ?? "monitored",
  });
  await endpointsReady();
  if (stopping.signal.aborted) return;
  say(
    `watching ${kubeconfig}${context === undefined ? "" : ` (context ${context})`}, monitor-only: nothing is rebooted`,
  );
  printEndpoints();
  process.stdout.write("  What happens to its nodes is told here. Ctrl-C ends everything.\n\n");
}

async function main(): Promise<void> {
  const args = readArguments(process.argv.slice(2));
  if (args.help) {
    process.stdout.write(USAGE);
    return;
  }
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stopping.abort());
  process.on("disconnect", () => stopping.abort());
  const config = join(directory, "config.yaml");
  writeFileSync(config, args.kubeconfig === undefined ? SCALED_CONFIG : REAL_CONFIG);
  await (args.kubeconfig === undefined ? runSimulated(config) : runReal(config, args));
  while (!stopping.signal.aborted) await delay(200);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  process.exitCode = 1;
} finally {
  process.stdout.write("\n");
  await Promise.all(processes.map(async (one) => one.stop(STOP_GRACE)));
  if (process.exitCode === undefined || process.exitCode === 0)
    rmSync(directory, { recursive: true, force: true });
  if (process.connected) process.disconnect();
}
