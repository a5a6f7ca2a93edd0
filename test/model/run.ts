/**
 * @file `npm run test:model`: explores everything, on two threads, and prints what came of it. Exit code 1 when a promise
 * breaks that should hold, holds that should break, or an exploration did not come to its end.
 * `--trace` prints the counterexamples too; `--only <text>` runs the jobs whose name or kind contains the text.
 */
import { parseArgs } from "node:util";
import { availableParallelism } from "node:os";
import { isMainThread, parentPort, Worker, workerData } from "node:worker_threads";
import { explore, type Exploration } from "./explore.ts";
import { formatTable, formatTrace } from "./format.ts";
import { JOBS, type Job } from "./jobs.ts";
import { surpriseOf } from "./outcome.ts";

const THREADS = Math.min(2, availableParallelism());

if (isMainThread) await main();
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread's port has no origin
else parentPort?.postMessage(explore(jobAt(workerData as number).system()));

async function main(): Promise<void> {
  const options = { trace: { type: "boolean" }, only: { type: "string" } } as const;
  const { trace = false, only = "" } = parseArgs({ options }).values;
  const chosen = [...JOBS.keys()].filter((index) => {
    const { kind, name } = jobAt(index);
    return kind.includes(only) || name.includes(only);
  });
  const startedAt = performance.now();
  const results = await exploreAll(chosen);
  print(tables(results));
  if (trace) print(traces(results));
  const surprises = results.flatMap(({ job, result }) => surpriseOf(job, result) ?? []);
  for (const surprise of surprises) print(`\nNOT AS EXPECTED  ${surprise}`);
  const states = sum(results, ({ states: count }) => count);
  const transitions = sum(results, ({ transitions: count }) => count);
  const took = ((performance.now() - startedAt) / 1000).toFixed(1);
  print(
    `\n${results.length} explorations, ${figure(states)} states, ${figure(transitions)} transitions, ${took} s`,
  );
  print(`${results.length - surprises.length} passed, ${surprises.length} failed`);
  process.exitCode = surprises.length === 0 && results.length > 0 ? 0 : 1;
}

interface Result {
  readonly job: Job;
  readonly result: Exploration;
}

/** A thread per exploration, `THREADS` at a time: each one's memory is given back when it ends. */
async function exploreAll(indexes: readonly number[]): Promise<Result[]> {
  const results: Result[] = [];
  const open = indexes.values();
  const lane = async (): Promise<void> => {
    for (const index of open)
      results[indexes.indexOf(index)] = { job: jobAt(index), result: await exploreApart(index) };
  };
  await Promise.all(Array.from({ length: THREADS }, lane));
  return results;
}

function exploreApart(index: number): Promise<Exploration> {
  return new Promise((resolve, reject) => {
    const thread = new Worker(new URL(import.meta.url), { workerData: index });
    thread.once("message", resolve);
    thread.once("error", reject);
    thread.once("exit", (code) =>
      reject(new Error(`The thread of ${jobAt(index).name} ended early, code ${code}`)),
    );
  });
}

function tables(results: readonly Result[]): string {
  const right = ["states", "transitions", "seconds", "steps"];
  const holding = results.filter(({ job }) => job.breaks === undefined).map(holdingRow);
  const breaking = results.filter(({ job }) => job.breaks !== undefined).map(breakingRow);
  return [holding, breaking]
    .filter((rows) => rows.length > 0)
    .map((rows) => formatTable(rows, right))
    .join("\n\n");
}

function holdingRow({ job, result }: Result): Record<string, string> {
  const verdict = result.verdict === "Holds" ? "HOLDS (complete)" : result.verdict.toUpperCase();
  return { configuration: job.name, kind: job.kind, verdict, ...figures(result) };
}

function breakingRow({ job, result }: Result): Record<string, string> {
  const caughtBy = result.violation?.invariant ?? `NOT CAUGHT (${result.verdict})`;
  const steps = String(result.trace?.length ?? 0);
  return { "without / beyond": job.name, kind: job.kind, "caught by": caughtBy, steps, ...figures(result) };
}

function figures({ states, transitions, seconds }: Exploration): Record<string, string> {
  return { states: figure(states), transitions: figure(transitions), seconds: seconds.toFixed(1) };
}

function traces(results: readonly Result[]): string {
  return results
    .flatMap(({ job, result: { violation, trace } }) =>
      violation === undefined || trace === undefined
        ? []
        : [
            `\n${job.kind}: ${job.name}\n${formatTrace(trace)}\n      ${violation.invariant}: ${violation.why}`,
          ],
    )
    .join("\n");
}

function jobAt(index: number): Job {
  return JOBS[index] as Job;
}

function sum(results: readonly Result[], of: (result: Exploration) => number): number {
  return results.reduce((total, { result }) => total + of(result), 0);
}

function figure(count: number): string {
  return count.toLocaleString("en-US");
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
