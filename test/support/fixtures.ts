import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/**
 * Real Node objects from public sources, kept beside the repository (`../shared/fixtures/nodes`); data of others is
 * read there and never copied. Named by file.
 */
const directory =
  process.env["NODE_AGENT_FIXTURES"] ??
  fileURLToPath(new URL("../../../shared/fixtures/nodes/", import.meta.url));

/** Every fixture: file name and parsed object. Throws when the folder is missing: a test without data proves nothing. */
export function nodeFixtures(): { file: string; node: unknown }[] {
  return readdirSync(directory)
    .filter((file) => file.endsWith(".json"))
    .map((file) => ({ file, node: JSON.parse(readFileSync(`${directory}/${file}`, "utf8")) as unknown }));
}
