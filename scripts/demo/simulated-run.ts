import { writeFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import { once } from "node:events";
import { commandLine, environmentWithout, redisUrl, writableRedisUrl } from "./connections.ts";
import { scaledConfig } from "./settings.ts";
import { startSimulation } from "./simulation.ts";
import { ROOT, type Stage } from "./stage.ts";
import { openStore } from "./store.ts";
import { tell } from "./story.ts";

/** The demo: a simulated cluster and cloud, two broken nodes, and what becomes of them. Resolves when the run ends. */
export async function runSimulated(stage: Stage): Promise<void> {
  const { directory, stopping, say, print } = stage;
  const own = environmentWithout((name) => name.startsWith("CIVO_"));
  const simulation = await startSimulation(directory, stopping, (args, onLine) =>
    stage.launch("simulator", "simulator/src/main.ts", { args, env: own, onLine }),
  );
  const config = join(directory, "config.yaml");
  const { kubeconfig } = simulation;
  // A Redis that the visitor brought may still hold an earlier run.
  const connections = { cluster: basename(directory), kubeconfig, ...writableRedisUrl() };
  writeFileSync(config, scaledConfig(connections), { mode: 0o600 });
  const env = { ...own, ...simulation.env, REDIS_URL: redisUrl() };
  const store = openStore(config, env);
  stage.atEnd(async () => store.removeAll().finally(store.close));
  say(`simulated cluster: ${simulation.summary}; a minute is a second here`);
  await stage.launchAgent(config, env, (line) => {
    const sentence = tell(line);
    if (sentence !== undefined) say(sentence);
  });
  if (stopping.aborted) return;
  say("two watchers, two workers and the queue dashboard are up");
  await simulation.settled();
  const broken = await simulation.breakTwo();
  for (const { what } of broken) say(`broken: ${what}`);
  const node = broken[0]?.node ?? "";
  print("\n  Try, in another terminal:");
  print(`    cd ${ROOT}`);
  print(`    ${commandLine(`explain ${node}`, config)}`);
  print(`    ${commandLine("status", config)}`);
  print(`    ${commandLine("ledger show", config)}`);
  print(`    kubectl --kubeconfig ${relative(ROOT, kubeconfig)} get nodes -w`);
  print("  See a whole incident again: this breaks another node, as often as you like:");
  print(`    ${simulation.breakAnother}`);
  stage.printEndpoints();
  print("  Ctrl-C ends everything.\n");
  if (!stopping.aborted) await once(stopping, "abort");
  print("");
}
