/** `npm run test:simulation -- --runs N --seed S`: many seeds, figures, and for each violation the seed that repeats it. */
import { parseArgs } from "node:util";
import { simulate } from "./simulate.ts";

const { values } = parseArgs({
  options: { runs: { type: "string", default: "2000" }, seed: { type: "string", default: "1" } },
});
const runs = Number(values.runs);
const first = Number(values.seed);
const startedAt = performance.now();
const total = { faults: 0, crashes: 0, reboots: 0, steps: 0, violations: 0 };
for (let i = 0; i < runs; i += 1) {
  const result = await simulate(first + i);
  total.faults += result.faults;
  total.crashes += result.crashes;
  total.reboots += result.reboots;
  total.steps += result.steps;
  total.violations += result.violations.length;
  for (const { invariant, what } of result.violations) {
    process.stdout.write(`VIOLATION ${invariant}: ${what}; repeat with --runs 1 --seed ${result.seed}\n`);
  }
  if ((i + 1) % 200 === 0) process.stdout.write(`${i + 1} runs, ${JSON.stringify(total)}\n`);
}
const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
process.stdout.write(`${runs} runs in ${seconds} s: ${JSON.stringify(total)}\n`);
process.exitCode = total.violations > 0 ? 1 : 0;
