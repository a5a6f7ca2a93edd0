import type { z } from "zod";

/** Input from outside (file, flag, body) that cannot be used; `faults` has one line per mistake, each naming its key. */
export class InputError extends Error {
  readonly code = "InvalidInput";
  override readonly name = "InputError";
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(faults.join("; "));
    this.faults = faults;
  }
}

/** Parses input with a schema. `where` (a file, a flag) leads each line. @throws {InputError} */
export function parseInput<T>(schema: z.ZodType<T>, input: unknown, where = ""): T {
  const result = schema.safeParse(input, { reportInput: true });
  if (result.success) return result.data;
  throw new InputError(result.error.issues.map((issue) => `${where}${describe(issue)}`));
}

function describe(issue: z.core.$ZodIssue): string {
  const path = issue.path.map(String).join(".");
  const got = "input" in issue && issue.input !== undefined ? `, got ${quote(issue.input)}` : "";
  return `${path === "" ? "body" : path}: ${issue.message}${issue.code === "unrecognized_keys" ? "" : got}`;
}

function quote(input: unknown): string {
  const text = JSON.stringify(input) ?? String(input);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
