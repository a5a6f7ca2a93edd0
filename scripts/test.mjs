/**
 * @file `npm test`: brings what is missing, then lint, format, types, dead code and all tests.
 * Arguments go to vitest (`npm test -- --project unit test/unit/civo`); with any, only the tests run.
 * The last line reads `N passed, N failed`, counted from vitest's own report.
 */
import { mkdirSync, readFileSync, rmSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { ensureDependencies, node24 } from "./setup/dependencies.mjs";
import { dataFolder, root } from "./setup/paths.mjs";
import { ensureRedis, redisCommandFolder } from "./setup/redis.mjs";
import { run } from "./setup/run.mjs";
import { runCommand, say } from "./setup/say.mjs";
import { ensureBrowser, ensureDebianTool } from "./setup/tools.mjs";

/**
 * What runs without arguments, with fixed seeds, so that a verdict on a change is repeatable as far as processes allow:
 * stage after stage, the lanes of a stage side by side, the projects of a lane one after the other. End-to-end tests
 * mostly wait, so the simulation has a core beside them; the chaos has the machine for itself where it comes last.
 * More of it, by other seeds, and for longer: `npm run test:simulation`, `npm run test:chaos`; pending reboots by the thousand:
 * `npm test -- --project backlog`.
 */
const stages = [
  [["unit", "model"]],
  [
    ["integration", "simulation"],
    ["e2e", "chaos"],
  ],
];

/** The report of each run of vitest. */
const reports = [];
const steps = [
  ["lint", "oxlint", "--type-aware", "--deny-warnings"],
  ["format", "oxfmt", "--check", "."],
  ["types", "tsc"],
  ["deadcode", "knip"],
];

await runCommand(async () => {
  const filters = process.argv.slice(2);
  const stopped = stopSignal();
  await ensureDependencies();
  const node = await node24();
  const failed = filters.length === 0 ? await runSteps(node, stopped) : [];
  const tools = [
    await ensureDebianTool("promtool", "prometheus"),
    await ensureDebianTool("kubectl", "kubernetes-client"),
    ...(needsBrowser(filters) ? [await ensureBrowser()] : []),
  ];
  for (const { reason } of tools) {
    if (reason !== undefined) say("setup", `${reason}; tests that need it are skipped`);
  }
  const redis = await ensureRedis();
  try {
    const folders = [...tools.map(({ path }) => path && dirname(path)), await redisCommandFolder()];
    const env = { ...process.env, REDIS_URL: redis.url, PATH: pathWith(folders) };
    const context = { node, env, signal: stopped };
    const content = filters.length === 0 ? await runStages(context) : await runTests(context, filters);
    if (!content) failed.push("tests");
  } finally {
    await redis.stop();
  }
  const { passed, failed: failedTests, skipped } = countTests();
  if (failed.length > 0) say("failed", failed.join(", "));
  if (skipped > 0) say("skipped", `${skipped} tests that need what this machine does not have`);
  console.log(`${passed} passed, ${failedTests} failed`);
  return failed.length === 0 && failedTests === 0 && passed > 0 ? 0 : 1;
});

/** Only the end-to-end tests of the queue dashboard look at pages. */
function needsBrowser(filters) {
  return filters.length === 0 || filters.some((filter) => filter === "e2e" || filter.includes("console"));
}

/** Runs every step, so that one run tells everything; resolves to the names of those that failed. */
async function runSteps(node, signal) {
  const failed = [];
  for (const [name, command, ...args] of steps) {
    const startedAt = performance.now();
    const tool = join(root, "node_modules", ".bin", command);
    const { code, output } = await run(node, [tool, ...args], { cwd: root, signal });
    const took = `${((performance.now() - startedAt) / 1000).toFixed(1)} s`;
    if (code === 0) {
      say(name, `ok (${took})`);
    } else {
      failed.push(name);
      console.log(output.trimEnd());
      say(name, `FAILED (${took}, exit code ${code})`);
    }
  }
  return failed;
}

/** Runs every stage, so that one run tells everything; true when vitest is content with all of them. */
async function runStages(context) {
  let content = true;
  for (const lanes of stages) {
    const results = await Promise.all(lanes.map(async (lane) => runLane(context, lane)));
    content = content && results.every(Boolean);
  }
  return content;
}

async function runLane(context, lane) {
  let content = true;
  for (const project of lane) {
    if (!(await runTests(context, ["--project", project]))) content = false;
  }
  return content;
}

/** True when vitest is content: no failed test, and nothing failed outside of a test. */
async function runTests({ node, env, signal }, filters) {
  mkdirSync(dataFolder, { recursive: true });
  const report = join(dataFolder, `vitest-${process.pid}-${reports.length}.json`);
  reports.push(report);
  const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const { code } = await run(node, [vitest, "run", ...reporters, ...filters], {
    cwd: root,
    env,
    show: true,
    signal,
  });
  return code === 0;
}

/** Real tests only: a file that could not be loaded holds none, and fails the run by vitest's exit code. */
function countTests() {
  const sum = { passed: 0, failed: 0, skipped: 0 };
  for (const report of reports) {
    const { passed, failed, skipped } = countOf(report);
    sum.passed += passed;
    sum.failed += failed;
    sum.skipped += skipped;
  }
  return sum;
}

function countOf(report) {
  try {
    const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(
      readFileSync(report, "utf8"),
    );
    return { passed: numPassedTests, failed: numFailedTests, skipped: numPendingTests + numTodoTests };
  } catch {
    say("failed", "vitest left no report");
    return { passed: 0, failed: 1, skipped: 0 };
  } finally {
    rmSync(report, { force: true });
  }
}

function pathWith(folders) {
  return [...folders.filter((folder) => folder !== undefined), process.env.PATH ?? ""].join(delimiter);
}

/**
 * Fires on SIGTERM, which reaches only us. SIGINT comes from a terminal and reaches the children by itself; for both
 * we live on until they have ended and Redis is stopped.
 */
function stopSignal() {
  const abort = new AbortController();
  process.on("SIGTERM", () => abort.abort());
  process.on("SIGINT", () => {});
  return abort.signal;
}
