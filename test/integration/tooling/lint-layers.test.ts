import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ALLOWED_IMPORTS, PLANTED_FAULTS } from "../../support/layers.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));

interface Report {
  readonly diagnostics: readonly { readonly filename: string; readonly code: string }[];
}

function nameOf(file: string, index: number): string {
  return file.replace("planted.ts", `planted-${String(index)}.ts`);
}

/** Each import in a file of its own, in the layout of the repository, under its lint configuration. */
describe("the lint rules on layers", () => {
  const folder = mkdtempSync(join(tmpdir(), "node-agent-lint-"));
  let refused = new Set<string>();
  const cases = [...PLANTED_FAULTS, ...ALLOWED_IMPORTS].map(
    ([file, module], index) => [nameOf(file, index), module] as const,
  );

  beforeAll(() => {
    copyFileSync(join(root, ".oxlintrc.json"), join(folder, ".oxlintrc.json"));
    for (const [file, module] of cases) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), `import "${module}";\n`);
    }
    const { diagnostics } = lint(folder);
    refused = new Set(
      diagnostics
        .filter(({ code }) => code.includes("no-restricted-imports"))
        .map(({ filename }) => filename.replaceAll("\\", "/")),
    );
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test.each(cases.slice(0, PLANTED_FAULTS.length))("refuse %s importing %s", (file) => {
    expect(refused).toContain(file);
  });

  test.each(cases.slice(PLANTED_FAULTS.length))("allow %s importing %s", (file) => {
    expect(refused).not.toContain(file);
  });
});

function lint(folder: string): Report {
  try {
    const options = { cwd: folder, encoding: "utf8", stdio: "pipe" } as const;
    const args = [join(root, "node_modules/oxlint/bin/oxlint"), "--format", "json", "."];
    return JSON.parse(execFileSync(process.execPath, args, options)) as Report;
  } catch (error) {
    // Faults make a non-zero exit code; the report is on standard output all the same.
    if (error instanceof Error && "stdout" in error) return JSON.parse(String(error.stdout)) as Report;
    throw error;
  }
}
