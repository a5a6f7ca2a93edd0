/** @file Where things are; the current directory does not matter. */
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

/** The root of the repository. */
export const root = fileURLToPath(new URL("../../", import.meta.url));

/** Everything a run leaves behind lives here; git ignores it. */
export const dataFolder = join(root, ".data");

/** The full path of a command on the PATH, or undefined. */
export function onPath(command) {
  for (const folder of (process.env.PATH ?? "").split(delimiter)) {
    const path = join(folder, command);
    if (folder !== "" && isExecutable(path)) return path;
  }
  return undefined;
}

/** True for a file that this user may run. */
export function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    // Not there, or not ours to run: both mean "look elsewhere".
    return false;
  }
}
