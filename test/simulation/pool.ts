import { availableParallelism } from "node:os";
import { Worker } from "node:worker_threads";
import type { Violation } from "./oracle.ts";
import type { SimulationResult } from "./simulate.ts";

/** Which seeds to run, and on how many cores. */
export interface PoolOptions {
  readonly runs: number;
  readonly seed: number;
  readonly workers?: number | undefined;
  readonly onProgress?: (line: string) => void;
}

/** What all runs came to. */
export interface PoolTotal {
  readonly violations: readonly (Violation & { readonly seed: number })[];
  readonly runs: number;
  readonly byProfile: Readonly<Record<string, number>>;
  readonly steps: number;
  readonly faults: number;
  readonly faultsByKind: Readonly<Record<string, number>>;
  readonly crashes: number;
  readonly reboots: number;
  readonly outcomes: Readonly<Record<string, number>>;
  readonly seconds: number;
}

/** What a worker is told to do. */
export interface Batch {
  readonly seed: number;
  readonly runs: number;
}

const BATCH = 20;

/** Runs many seeds, a batch at a time, on threads that share nothing. */
export async function simulateMany({ runs, seed, workers, onProgress }: PoolOptions): Promise<PoolTotal> {
  const startedAt = performance.now();
  const total = {
    violations: [] as (Violation & { seed: number })[],
    runs: 0,
    byProfile: {} as Record<string, number>,
    steps: 0,
    faults: 0,
    faultsByKind: {} as Record<string, number>,
    crashes: 0,
    reboots: 0,
    outcomes: {} as Record<string, number>,
    seconds: 0,
  };
  const seconds = (): number => Math.round((performance.now() - startedAt) / 100) / 10;
  const add = (result: SimulationResult): void => {
    total.runs += 1;
    total.steps += result.steps;
    total.crashes += result.crashes;
    total.reboots += result.reboots;
    for (const one of result.violations) {
      total.violations.push({ ...one, seed: result.seed });
      onProgress?.(violationText({ ...one, seed: result.seed }));
    }
    addAll(total.byProfile, { [result.profile]: 1 });
    addAll(total.faultsByKind, result.faults);
    addAll(total.outcomes, result.outcomes);
    if (total.runs % 500 !== 0) return;
    onProgress?.(
      `${total.runs} runs, ${total.reboots} reboots, ${total.violations.length} violations, ${seconds()} s`,
    );
  };
  let next = 0;
  const takeBatch = (): Batch | undefined => {
    if (next >= runs) return undefined;
    const batch = { seed: seed + next, runs: Math.min(BATCH, runs - next) };
    next += batch.runs;
    return batch;
  };
  const threads = workers ?? availableParallelism();
  await Promise.all(Array.from({ length: threads }, async () => runThread(takeBatch, add)));
  total.faults = Object.values(total.faultsByKind).reduce((sum, count) => sum + count, 0);
  total.violations.sort((a, b) => a.seed - b.seed);
  return { ...total, seconds: seconds() };
}

/** A violation, with the command that tells its story. */
export function violationText({ seed, invariant, what }: Violation & { readonly seed: number }): string {
  return `VIOLATION ${invariant}: ${what}; its story: npm run test:simulation -- --trace --seed ${seed}`;
}

function addAll(sums: Record<string, number>, more: Readonly<Record<string, number>>): void {
  for (const [key, count] of Object.entries(more)) sums[key] = (sums[key] ?? 0) + count;
}

async function runThread(
  takeBatch: () => Batch | undefined,
  add: (result: SimulationResult) => void,
): Promise<void> {
  const ended = Promise.withResolvers<void>();
  const thread = new Worker(new URL("pool-thread.ts", import.meta.url));
  const feed = (): void => {
    const batch = takeBatch();
    if (batch === undefined) ended.resolve();
    else thread.postMessage(batch, []);
  };
  thread.on("error", ended.reject);
  thread.on("message", (results: readonly SimulationResult[]) => {
    for (const result of results) add(result);
    feed();
  });
  feed();
  try {
    await ended.promise;
  } finally {
    await thread.terminate();
  }
}
