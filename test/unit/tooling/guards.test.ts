import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { AUDIT_GUARDS } from "../../guards/audit-guards.ts";
import { GUARDS } from "../../guards/guards.ts";

const ROOT = join(import.meta.dirname, "..", "..", "..");

test.each([...GUARDS, ...AUDIT_GUARDS])(
  "the guard line stands once, beside the tests that must miss it: $guard",
  ({ file, from, to, tests }) => {
    expect(readFileSync(join(ROOT, file), "utf8").split(from)).toHaveLength(2);
    expect(to).not.toBe(from);
    for (const path of tests) expect(existsSync(join(ROOT, path)), path).toBe(true);
  },
);
