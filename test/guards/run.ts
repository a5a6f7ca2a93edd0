/**
 * @file `npm run test:guards`: takes each guard away, one at a time, in a copy of the project, and asks the tests that
 * must miss it. Prints which test did; exit code 1 when a removal went unnoticed. `-- --only WORD` for some of them.
 */
import { spawnSync } from "node:child_process";
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startRedis } from "../../scripts/setup/redis.mjs";
import type { Guard } from "./guard.ts";
import { GUARDS } from "./guards.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const { values } = parseArgs({ options: { only: { type: "string", default: "" } } });
const redis = await startRedis();
const copy = makeCopy();
let unnoticed = 0;
try {
  const chosen = GUARDS.filter(({ guard }) => guard.includes(values.only));
  const red = failingAnyway(chosen);
  if (red.length > 0) throw new Error(`these tests fail with every guard in place:\n  ${red.join("\n  ")}`);
  for (const [i, guard] of chosen.entries()) {
    const caughtBy = missedBy(guard);
    if (caughtBy.length === 0) unnoticed += 1;
    const told = caughtBy[0] ?? "NOBODY NOTICED";
    const more = caughtBy.length > 1 ? ` (and ${caughtBy.length - 1} more)` : "";
    process.stdout.write(`${i + 1}/${chosen.length}  ${guard.guard}: ${told}${more}\n`);
  }
  process.stdout.write(`${chosen.length - unnoticed} of ${chosen.length} removals were noticed\n`);
} finally {
  rmSync(copy, { recursive: true, force: true });
  await redis.stop();
}
process.exitCode = unnoticed === 0 ? 0 : 1;

/** The project without its history, with workspaces of its own: what is taken away there is there in no other place. */
function makeCopy(): string {
  const target = mkdtempSync(join(tmpdir(), "node-agent-guards-"));
  const sources = ["packages", "test", "scripts", "package.json", "vitest.config.ts", "tsconfig.json"];
  // Some tests hold the documents to the code.
  for (const name of [...sources, "docs", "deploy", "README.md"]) {
    cpSync(join(ROOT, name), join(target, name), { recursive: true });
  }
  const modules = join(target, "node_modules");
  mkdirSync(join(modules, "@node-agent"), { recursive: true });
  for (const name of readdirSync(join(ROOT, "node_modules"))) {
    if (name !== "@node-agent") symlinkSync(join(ROOT, "node_modules", name), join(modules, name));
  }
  for (const name of readdirSync(join(ROOT, "packages"))) {
    symlinkSync(join(target, "packages", name), join(modules, "@node-agent", name));
  }
  return target;
}

/** The tests of the chosen guards, on the project as it is: one that fails anyway would notice every removal. */
function failingAnyway(guards: readonly Guard[]): string[] {
  return failuresOf([...new Set(guards.flatMap(({ tests }) => tests))]);
}

/** The names of the tests that failed without the guard. */
function missedBy({ file, from, to, tests, guard }: Guard): string[] {
  const path = join(copy, file);
  const whole = readFileSync(path, "utf8");
  if (whole.split(from).length !== 2) throw new Error(`${guard}: its line does not stand once in ${file}`);
  writeFileSync(
    path,
    whole.replace(from, () => to),
  );
  try {
    return failuresOf(tests);
  } finally {
    writeFileSync(path, whole);
  }
}

/** Runs these test files in the copy; the names of the tests that failed. */
function failuresOf(tests: readonly string[]): string[] {
  const report = join(copy, "report.json");
  try {
    spawnSync(
      process.execPath,
      [
        join(ROOT, "node_modules", "vitest", "vitest.mjs"),
        "run",
        "--project=unit",
        "--project=integration",
        "--reporter=json",
        `--outputFile=${report}`,
        ...tests,
      ],
      { cwd: copy, stdio: "ignore", timeout: 600_000, env: { ...process.env, REDIS_URL: redis.url } },
    );
    return failedIn(report);
  } finally {
    rmSync(report, { force: true });
  }
}

interface Report {
  readonly testResults: readonly {
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

function failedIn(report: string): string[] {
  const { testResults } = JSON.parse(readFileSync(report, "utf8")) as Report;
  return testResults
    .flatMap(({ assertionResults }) => assertionResults)
    .filter(({ status }) => status === "failed")
    .map(({ fullName }) => fullName);
}
