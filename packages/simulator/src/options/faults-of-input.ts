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

/** Spells the path of a key as the person wrote it, e.g. with the file's name in front or as a flag. */
export type KeyName = (path: string) => string;

/** Parses input with a schema. @throws {InputError} */
export function parseInput<T>(
  schema: z.ZodType<T>,
  input: unknown,
  nameOf: KeyName = (path) => path || "body",
): T {
  const result = schema.safeParse(input, { reportInput: true });
  if (result.success) return result.data;
  throw new InputError(result.error.issues.map((issue) => describe(issue, nameOf)));
}

function describe(issue: z.core.$ZodIssue, nameOf: KeyName): string {
  const path = issue.path.map(String).join(".");
  const got = "input" in issue && issue.input !== undefined ? `, got ${quote(issue.input)}` : "";
  return `${nameOf(path)}: ${issue.message}${issue.code === "unrecognized_keys" ? "" : got}`;
}

function quote(input: unknown): string {
  const text = JSON.stringify(input) ?? String(input);
  return text.length > 80 ? `${text.slice(0, 77)}...` : text;
}
