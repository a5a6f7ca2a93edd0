/** @file Tools that tests like to have and that no npm package brings. */
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { dataFolder, isExecutable, onPath } from "./paths.mjs";
import { run } from "./run.mjs";

const downloadDeadline = 180_000;

/** True when this process may install Debian packages. */
export function canAptInstall() {
  return process.getuid?.() === 0 && onPath("apt-get") !== undefined;
}

/** Installs a Debian package that starts no service. Resolves to undefined, or to what went wrong. */
export async function aptInstall(name) {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const options = { env, timeout: downloadDeadline };
  const updated = await run("apt-get", ["update", "-qq"], options);
  const installed = await run("apt-get", ["install", "-y", "-qq", "--no-install-recommends", name], options);
  return installed.code === 0 ? undefined : lastLine(installed.output) || lastLine(updated.output);
}

/**
 * A browser that tests can drive: one on the PATH, else Debian's chromium, which needs too many libraries to be unpacked
 * and is installed only where this process may install packages (a container, CI). Resolves to `{ path }` or `{ reason }`.
 */
export async function ensureBrowser() {
  for (const command of ["chromium", "chromium-browser", "google-chrome"]) {
    const path = onPath(command);
    if (path !== undefined) return { path };
  }
  if (!canAptInstall()) return { reason: "no browser on the PATH (Debian: apt-get install chromium)" };
  const problem = await aptInstall("chromium");
  const path = onPath("chromium");
  return path === undefined
    ? { reason: `chromium could not be installed: ${problem ?? "unknown"}` }
    : { path };
}

/**
 * Finds a command on the PATH or fetches it from a Debian package into .data/tools. The package is unpacked, not
 * installed: the machine stays as it is and none of its services starts. Resolves to `{ path }` or to `{ reason }`.
 */
export async function ensureDebianTool(command, packageName) {
  const there = onPath(command);
  if (there !== undefined) return { path: there };
  const folder = join(dataFolder, "tools", packageName);
  const path = join(folder, "usr", "bin", command);
  if (isExecutable(path)) return { path };
  if (onPath("apt-get") === undefined || onPath("dpkg-deb") === undefined) {
    return { reason: `${command} is not on the PATH and this is no Debian to fetch it from` };
  }
  const problem = await unpack(packageName, folder);
  if (problem === undefined && isExecutable(path)) return { path };
  rmSync(folder, { recursive: true, force: true });
  return {
    reason: `${command} could not be fetched: ${problem ?? `package ${packageName} does not hold it`}`,
  };
}

async function unpack(packageName, folder) {
  mkdirSync(folder, { recursive: true });
  const options = { cwd: folder, timeout: downloadDeadline };
  let downloaded = await run("apt-get", ["download", "-qq", packageName], options);
  if (downloaded.code !== 0 && canAptInstall()) {
    await run("apt-get", ["update", "-qq"], options);
    downloaded = await run("apt-get", ["download", "-qq", packageName], options);
  }
  const archive = readdirSync(folder).find((file) => file.endsWith(".deb"));
  if (downloaded.code !== 0 || archive === undefined) return lastLine(downloaded.output);
  const unpacked = await run("dpkg-deb", ["--extract", archive, "."], options);
  rmSync(join(folder, archive), { force: true });
  return unpacked.code === 0 ? undefined : lastLine(unpacked.output);
}

function lastLine(text) {
  return text.trim().split("\n").at(-1) ?? "";
}
