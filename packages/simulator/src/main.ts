import { readFileSync } from "node:fs";
import { HELP, readArguments, type Invocation } from "./arguments.ts";
import { playScenario } from "./control/scenario.ts";
import { InputError } from "./options/faults-of-input.ts";
import { startSimulator } from "./simulator.ts";

/** Cannot start: bad flags, files or ports. */
const EXIT_USAGE = 2;

await main(process.argv.slice(2));

async function main(argv: readonly string[]): Promise<void> {
  const invocation = invocationOf(argv);
  if (invocation === undefined) return;
  if (invocation.mode === "help") {
    process.stdout.write(HELP);
    return;
  }
  if (invocation.mode === "version") {
    process.stdout.write(`${version()}\n`);
    return;
  }
  try {
    await run(invocation);
  } catch (error) {
    if (!isStartFailure(error)) throw error;
    process.stderr.write(`simulator: cannot start: ${error.message}\n`);
    process.exitCode = EXIT_USAGE;
  }
}

async function run(invocation: Extract<Invocation, { mode: "run" }>): Promise<void> {
  const { options, scenario } = invocation;
  const simulator = await startSimulator(options);
  const stop = (): void => {
    void simulator.close().then(() => process.exit(0));
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  playScenario(simulator, scenario, (event) =>
    process.stderr.write(`${JSON.stringify({ scenario: event })}\n`),
  );
  const { url, apiKey, clusterId, region } = simulator.civo;
  const ready = {
    ready: true,
    kubernetes: { url: simulator.kubernetes.url },
    civo: { url, apiKey, clusterId, region },
    control: { url: simulator.control.url },
    kubeconfig: options.writeKubeconfig ?? null,
  };
  process.stdout.write(`${JSON.stringify(ready)}\n`);
}

function invocationOf(argv: readonly string[]): Invocation | undefined {
  try {
    return readArguments(argv);
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
    for (const fault of error.faults) process.stderr.write(`simulator: ${fault}\n`);
    process.exitCode = EXIT_USAGE;
    return undefined;
  }
}

/** A port that is taken, a kubeconfig that cannot be written: the system says so with a code. */
function isStartFailure(error: unknown): error is Error {
  return error instanceof Error && "syscall" in error;
}

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  return typeof manifest === "object" && manifest !== null && "version" in manifest
    ? String(manifest.version)
    : "";
}
