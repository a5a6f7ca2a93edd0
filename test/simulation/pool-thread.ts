/** A thread of the pool: runs batches of seeds, one after the other. */
import { parentPort } from "node:worker_threads";
import type { Batch } from "./pool.ts";
import { simulate, type SimulationResult } from "./simulate.ts";

parentPort?.on("message", (batch: Batch) => {
  void run(batch).then((results) => parentPort?.postMessage(results, []));
});

async function run({ seed, runs }: Batch): Promise<SimulationResult[]> {
  const results: SimulationResult[] = [];
  for (let i = 0; i < runs; i += 1) results.push(await simulate(seed + i));
  return results;
}
