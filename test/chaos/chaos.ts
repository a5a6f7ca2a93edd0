/**
 * @file `npm run test:chaos`: real processes through ten minutes of chaos (`--minutes`, `--nodes`, `--seed`,
 * `--workers`, `--watchers`, `--rate` of machines that break per second). Exit code 1 when the oracle, which is the
 * simulated cloud's own list of executed reboots, found a violation, when a node past its threshold had neither a
 * blocker nor a live action, when one was left sick, or when too little happened for the run to prove anything.
 */
import { parseArgs } from "node:util";
import { runChaos, type ChaosReport } from "./run.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string", default: "10" },
    nodes: { type: "string", default: "1000" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    watchers: { type: "string", default: "2" },
    workers: { type: "string", default: "3" },
    rate: { type: "string", default: "5" },
    logs: { type: "boolean", default: false },
  },
});

const report = await runChaos({
  nodes: Number(values.nodes),
  span: Number(values.minutes) * 60_000,
  seed: Number(values.seed),
  watchers: Number(values.watchers),
  workers: Number(values.workers),
  breaksPerSecond: Number(values.rate),
  onProgress: print,
  keepLogs: values.logs,
});
print(figuresOf(report));
for (const violation of report.violations) print(`VIOLATION  ${violation}`);
for (const node of report.leftSick) print(`LEFT SICK  ${node}`);
for (const shortfall of report.shortfalls) print(`TOO LITTLE  ${shortfall}`);
if (report.logs !== undefined) print(`logs: ${report.logs}`);
const { violations, leftSick: sick, shortfalls } = report;
process.exitCode = violations.length + sick.length + shortfalls.length === 0 ? 0 : 1;

function figuresOf(figures: ChaosReport): string {
  const { doubles, healthy, overBudget, mostOpen, leastSpare, leftSick, explained } = figures;
  const { answers, longest, samples, unreadable, unexplained, byGate } = explained;
  return [
    "",
    `reboots            ${figures.reboots}   (${figures.underFire} while everything went wrong)`,
    `doubles            ${doubles.length}   (closest: ${Math.round(leastSpare)} ms beyond the wait)`,
    `healthy rebooted   ${healthy.length}   (${figures.healedTooLate} healed by themselves within S + D of the reboot)`,
    `over budget        ${overBudget.length}   (at most ${mostOpen.cluster} open in the cluster, ${mostOpen.pool} in a pool)`,
    `unexplained        ${unexplained.length}   (in ${samples} samples, ${unreadable} of them unreadable)`,
    `  one blocker      ${answers.Blocked}   (${Object.entries(byGate)
      .map(([gate, count]) => `${gate} ${count}`)
      .join(", ")})`,
    `  acting           ${answers.Acting}`,
    `  not judged yet   ${answers.Unjudged}   (longest: ${seconds(longest.Unjudged)})`,
    `  no answer yet    ${answers.Unexplained}   (longest: ${seconds(longest.Unexplained)})`,
    `left sick          ${leftSick.length}   (all well after ${seconds(figures.recoveredIn)})`,
    `broken, healed     ${figures.breaks}, ${figures.heals}`,
    `kill -9, SIGSTOP   ${figures.kills}, ${figures.stops}`,
    `Redis kill, flush  ${figures.redisKills}, ${figures.redisFlushes}`,
    `API outages        ${figures.outages}`,
    `took               ${seconds(figures.took)}`,
    "",
  ].join("\n");
}

function seconds(span: number): string {
  return `${(span / 1000).toFixed(1)} s`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
