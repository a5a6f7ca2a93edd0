import { spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { SECOND } from "@node-agent/shared/core/time.ts";
import type { DemoArguments } from "./arguments.ts";
import { commandLine, environmentWithout, redisUrl, writableRedisUrl } from "./connections.ts";
import { fleetSentence, type FleetReading } from "./fleet-reading.ts";
import { createReport } from "./report.ts";
import { realConfig } from "./settings.ts";
import { ROOT, type Stage } from "./stage.ts";
import { openStore } from "./store.ts";
import { tell } from "./story.ts";

/** How long the first judgements may take before the summary is printed without them. */
const FIRST_LOOK = 20 * SECOND;

/** Variables that would make this another cluster, another mode, a writer of events or a process with a key. */
const LEFT_OUT = new Set([
  "CIVO_NODE_AGENT_CLUSTER",
  "CIVO_NODE_AGENT_MONITOR_ONLY",
  "CIVO_NODE_AGENT_EVENTS",
  "CIVO_API_KEY",
  "CIVO_API_KEY_FILE",
]);

/** Watches a real cluster, monitor-only: a summary, what would be done, a line now and then, a report at the end. */
export async function runReal(
  stage: Stage,
  { kubeconfig, context, every }: DemoArguments & { readonly kubeconfig: string },
): Promise<void> {
  const { directory, stopping, say, print } = stage;
  const config = join(directory, "config.yaml");
  const connections = {
    cluster: basename(directory),
    // npm changes the directory; the visitor's own is where a relative path begins.
    kubeconfig: resolve(process.env["INIT_CWD"] ?? ".", kubeconfig),
    ...(context === undefined ? {} : { context }),
    ...writableRedisUrl(),
  };
  writeFileSync(config, realConfig(connections), { mode: 0o600 });
  const env = { ...environmentWithout((name) => LEFT_OUT.has(name)), REDIS_URL: redisUrl() };
  const report = createReport(Date.now());
  const store = openStore(config, env);
  stage.atEnd(async () => store.removeAll().finally(store.close));
  let started = false;
  try {
    await stage.launchAgent(config, env, (line) => {
      report.hear(line, Date.now());
      const sentence = tell(line, "monitor");
      if (sentence !== undefined) say(sentence);
    });
    if (stopping.aborted) return;
    started = true;
    const named = context === undefined ? "" : ` (context ${context})`;
    say(`watching ${kubeconfig}${named}, monitor-only: nothing is rebooted`);
    await firstLook(store.read, stopping);
    print("");
    print(indented(await statusOf(config, env)));
    print(`  Ask again, or why a node is held, in another terminal:`);
    print(`    cd ${ROOT}`);
    print(`    ${commandLine("status", config)}`);
    print(`    ${commandLine("explain <node>", config)}`);
    stage.printEndpoints();
    print("  What would be done is said here. Ctrl-C ends everything with a report.\n");
    while (!stopping.aborted) {
      const reading = await store.read().catch(() => undefined);
      if (reading !== undefined) report.saw(reading.nodes);
      say(reading === undefined ? "fleet: Redis does not answer" : fleetSentence(reading));
      await delay(every, undefined, { signal: stopping }).catch(() => undefined);
    }
  } finally {
    const last = await store.read().catch(() => undefined);
    if (last !== undefined) report.saw(last.nodes);
    print("");
    for (const line of started ? report.lines(Date.now()) : []) print(line);
  }
}

/** Waits until a watcher vouches for the cluster and two looks in a row find the same number of judged nodes. */
async function firstLook(read: () => Promise<FleetReading>, stopping: AbortSignal): Promise<void> {
  const until = performance.now() + FIRST_LOOK;
  let before = 0;
  while (!stopping.aborted && performance.now() < until) {
    const { nodes, viewAge } = await read();
    if (nodes > 0 && nodes === before && viewAge !== undefined) return;
    before = nodes;
    await delay(SECOND, undefined, { signal: stopping }).catch(() => undefined);
  }
}

/** What `node-agent status` prints, its complaints included. */
async function statusOf(config: string, env: NodeJS.ProcessEnv): Promise<string> {
  const child = spawn(
    process.execPath,
    [join(ROOT, "packages/cli/src/main.ts"), "status", "--config", config],
    {
      env,
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  let text = "";
  child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")));
  child.stderr.on("data", (chunk: Buffer) => (text += chunk.toString("utf8")));
  await new Promise<void>((done) => {
    child.once("close", () => done());
  });
  return text;
}

function indented(text: string): string {
  return text.replaceAll(/^(?=.)/gmu, "  ");
}
