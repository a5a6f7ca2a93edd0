/**
 * `npm start`: the whole system as separate processes, and its story in plain lines. Started by scripts/start.mjs, which
 * brings Redis (REDIS_URL) and Node 24; when it goes away, so do we and all that we started.
 */
import { readArguments, USAGE, type DemoArguments } from "./arguments.ts";
import { runReal } from "./real-run.ts";
import { runSimulated } from "./simulated-run.ts";
import { openStage } from "./stage.ts";

async function run(args: DemoArguments): Promise<void> {
  const { kubeconfig } = args;
  const stage = openStage(kubeconfig === undefined ? "elapsed" : "utc");
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stage.stop());
  process.on("disconnect", () => stage.stop());
  try {
    await (kubeconfig === undefined ? runSimulated(stage) : runReal(stage, { ...args, kubeconfig }));
  } catch (error) {
    // A run that was stopped while it started has nothing to complain about, or has said it already.
    if (!stage.stopping.aborted) process.stderr.write(`${String(error)}\n`);
    process.exitCode ??= stage.stopping.aborted ? 0 : 1;
  } finally {
    await stage.close();
    if (process.connected) process.disconnect();
  }
}

try {
  const args = readArguments(process.argv.slice(2));
  if (args.help) process.stdout.write(USAGE);
  else await run(args);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n${USAGE}`);
  process.exitCode = 1;
} finally {
  if (process.connected) process.disconnect();
}
