/** @file The packages of the lock file, and the Node 24 that comes with them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./paths.mjs";
import { run } from "./run.mjs";
import { say, SetupError } from "./say.mjs";

const nodeMajor = 24;

/** Installs what package-lock.json asks for unless it is there already. Throws `SetupError`. */
export async function ensureDependencies() {
  const missing = missingPackages();
  if (missing.length === 0) return;
  say("setup", `installing packages (npm ci): ${missing.length} missing or outdated, e.g. ${missing[0]}`);
  // Inside `npm test` the running npm names itself; on its own the script takes the one on the PATH.
  const npm = process.env.npm_execpath;
  const [command, before] = npm?.endsWith(".js") ? [process.execPath, [npm]] : ["npm", []];
  const args = [...before, "ci", "--include=dev", "--loglevel=error", "--no-fund", "--no-audit"];
  const { code } = await run(command, args, { cwd: root, show: true });
  if (code !== 0) throw new SetupError(`npm ci failed (exit code ${code}); its own message is above`);
  say("setup", "packages installed");
}

/** The path of the pinned Node 24. Throws `SetupError` when it cannot be had. */
export async function node24() {
  const pinned = join(
    root,
    "node_modules",
    "node",
    "bin",
    process.platform === "win32" ? "node.exe" : "node",
  );
  if (await isNode24(pinned)) return pinned;
  if (Number(process.versions.node.split(".")[0]) >= nodeMajor) return process.execPath;
  // An npm that runs no install scripts leaves the package without its binary: run that one script by name.
  say("setup", "fetching Node 24 (install script of the package `node`)");
  const { output } = await run(process.execPath, ["installArchSpecificPackage"], {
    cwd: join(root, "node_modules", "node"),
  });
  if (await isNode24(pinned)) return pinned;
  throw new SetupError(
    `Node ${nodeMajor} is needed and the package "node" could not provide it; install Node ${nodeMajor} and run again\n${output}`,
  );
}

async function isNode24(path) {
  const { code, output } = await run(path, ["--version"]);
  return code === 0 && output.startsWith(`v${nodeMajor}.`);
}

/**
 * The packages of the lock file that node_modules does not hold in that version: npm keeps the lock of what it
 * installed in node_modules/.package-lock.json, so any way of installing counts, and a changed lock is noticed.
 */
function missingPackages() {
  const wanted = packagesOf(join(root, "package-lock.json"));
  const installed = packagesOf(join(root, "node_modules", ".package-lock.json"));
  return Object.entries(wanted)
    .filter(([path, entry]) => path.startsWith("node_modules/") && !entry.optional && !entry.devOptional)
    .filter(([path, entry]) => installed[path] === undefined || installed[path].version !== entry.version)
    .map(([path]) => path.slice("node_modules/".length));
}

function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8")).packages ?? {};
  } catch {
    // No file, or half a file of an interrupted install: nothing is installed.
    return {};
  }
}
