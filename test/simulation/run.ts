/**
 * `npm run test:simulation -- --runs N --seed S`: many seeds over the cores of this machine, figures, and for each
 * violation the seed that repeats it. `--trace` tells the story of one run, `--workers` says how many cores.
 */
import { parseArgs } from "node:util";
import { simulate } from "./simulate.ts";
import { simulateMany, violationText } from "./pool.ts";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "2000" },
    seed: { type: "string", default: "1" },
    workers: { type: "string" },
    trace: { type: "boolean", default: false },
  },
});
const runs = Number(values.runs);
const seed = Number(values.seed);
const say = (line: string): void => {
  process.stdout.write(`${line}\n`);
};

if (values.trace) {
  const { story, violations, profile } = await simulate(seed, { told: true });
  for (const line of story) say(line);
  say(
    `${profile}: ${violations.map(({ invariant, what }) => `${invariant} ${what}`).join("; ") || "no violation"}`,
  );
  process.exitCode = violations.length > 0 ? 1 : 0;
} else {
  const workers = values.workers === undefined ? undefined : Number(values.workers);
  const total = await simulateMany({ runs, seed, workers, onProgress: (line) => say(line) });
  for (const violation of total.violations) say(violationText(violation));
  say(JSON.stringify({ ...total, violations: total.violations.length }, undefined, 1));
  process.exitCode = total.violations.length > 0 ? 1 : 0;
}
