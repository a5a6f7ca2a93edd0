/**
 * What it costs to list 5,000 nodes of full size (images, managedFields) and to keep them: our reflector against the
 * baseline, the informer of @kubernetes/client-node, each in a process of its own against the same simulator.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { startSimulatorProcess } from "../test/support/topology-simulator.ts";
import { machine, ms, progress, quantile, spread, table } from "./support/report.ts";

const NODES = 5000;
const ROUNDS = 3;
const CLIENTS = ["ours", "informer"] as const;

interface Measured {
  readonly took: number;
  readonly longestBlock: number;
  readonly retained: number;
  readonly peakRss: number;
}

const run = promisify(execFile);
const script = fileURLToPath(new URL("support/reflector-client.ts", import.meta.url));

async function measure(client: (typeof CLIENTS)[number], kubeconfig: string): Promise<Measured> {
  const args = ["--expose-gc", script, client, kubeconfig, String(NODES)];
  const { stdout } = await run(process.execPath, args, { timeout: 60_000 });
  return JSON.parse(stdout) as Measured;
}

console.log(`# list of ${NODES} nodes\n\n${machine()}; median of ${ROUNDS} rounds\n`);
await using stack = new AsyncDisposableStack();
const dir = stack.adopt(mkdtempSync(join(tmpdir(), "node-agent-bench-")), (path) =>
  rmSync(path, { recursive: true, force: true }),
);
progress("building the simulated cluster");
const simulator = stack.use(
  await startSimulatorProcess(dir, {
    pools: [
      { name: "standard", count: NODES - 1000 },
      { name: "gpu", count: 1000, gpus: 8 },
    ],
    options: { bulk: true, timings: { statusPeriod: "1h" } },
  }),
);

const results = new Map<string, Measured[]>(CLIENTS.map((client) => [client, []]));
for (let round = 0; round < ROUNDS; round += 1) {
  for (const client of CLIENTS) {
    const measured = await measure(client, simulator.kubeconfig);
    results.get(client)?.push(measured);
    progress(
      `round ${round + 1}: ${client} ${ms(measured.took)}, ${measured.retained.toFixed(1)} MB retained`,
    );
  }
}

const mb = (value: number): string => `${value.toFixed(1)} MB`;
const rows = (
  [
    ["time to the whole list", "took", ms],
    ["longest block of the event loop", "longestBlock", ms],
    ["retained heap", "retained", mb],
    ["peak of resident memory", "peakRss", mb],
  ] as const
).map(([what, key, show]) => {
  const [own = [], base = []] = CLIENTS.map((client) => results.get(client)?.map((one) => one[key]));
  const ratio = quantile(own, 0.5) / quantile(base, 0.5);
  return [what, spread(own, show), spread(base, show), `${ratio.toFixed(2)} x`];
});
console.log(table(["", "ours", "informer of client-node", "ours is"], rows));
