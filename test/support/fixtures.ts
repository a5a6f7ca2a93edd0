import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

/**
 * Real Node objects from public sources. Data of others is read where it lies and never copied: in the folder that
 * NODE_AGENT_FIXTURES names, else beside the repository (`../shared/fixtures/nodes`).
 */
const given = process.env["NODE_AGENT_FIXTURES"] ?? "";
const directory =
  given === "" ? fileURLToPath(new URL("../../../shared/fixtures/nodes/", import.meta.url)) : given;

/** A fixture: its file name and the parsed object. */
export interface NodeFixture {
  readonly file: string;
  readonly node: unknown;
}

const isMissing = given === "" && !existsSync(directory);
const why = isMissing ? ` (skipped: no folder ${directory}, NODE_AGENT_FIXTURES names another)` : "";

/**
 * Tests of all fixtures. A clone without the folder skips them, and the report says so; a folder that was named must be
 * there, and one that is there must hold something: a test without data proves nothing.
 */
export function describeFixtures(name: string, tests: (fixtures: readonly NodeFixture[]) => void): void {
  const fixtures = isMissing ? [] : readFixtures();
  describe.skipIf(isMissing)(`${name}${why}`, () => {
    test("there are some", () => expect(fixtures).not.toEqual([]));
    tests(fixtures);
  });
}

function readFixtures(): NodeFixture[] {
  const files = readdirSync(directory).filter((file) => file.endsWith(".json"));
  return files.map((file) => ({
    file,
    node: JSON.parse(readFileSync(`${directory}/${file}`, "utf8")) as unknown,
  }));
}
