/**
 * `npm start`: the whole system as separate processes, and its story in plain lines. Started by scripts/start.mjs, which
 * brings Redis (REDIS_URL) and Node 24; when it goes away, so do we and all that we started.
 */
import { readArguments, USAGE } from "./arguments.ts";
import { runReal } from "./real-run.ts";
import { runSimulated } from "./simulated-run.ts";
import { openStage, type Stage } from "./stage.ts";

async function main(stage: Stage): Promise<void> {
  const args = readArguments(process.argv.slice(2));
  if (args.help) {
    stage.print(USAGE);
    return;
  }
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stage.stop());
  process.on("disconnect", () => stage.stop());
  const { kubeconfig } = args;
  await (kubeconfig === undefined ? runSimulated(stage) : runReal(stage, { ...args, kubeconfig }));
}

const stage = openStage();
try {
  await main(stage);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  if (error instanceof TypeError) process.stderr.write(USAGE);
  process.exitCode = 1;
} finally {
  await stage.close();
  if (process.connected) process.disconnect();
}
