import type { z } from "zod";
import { didYouMean, quote } from "./faults.ts";
import { isMapping, type RawSettings } from "./file.ts";
import { settingsSchema, type Settings } from "./schema.ts";
import type { Sources } from "./sources.ts";
import { CONFIG_TABLE, SECRET_TABLE } from "./table.ts";

/** How a fault names a key: by the variable, flag or file that set it. */
export function subject(key: string, { origins, file }: Sources): string {
  return origins.get(key)?.name ?? (file === undefined ? key : `${key} (${file})`);
}

function valueAt(settings: unknown, path: readonly PropertyKey[]): unknown {
  let value = settings;
  for (const name of path)
    value = isMapping(value) && Object.hasOwn(value, name) ? value[String(name)] : undefined;
  return value;
}

/** The names that may stand in a section, from the table. */
function namesIn(section: string): string[] {
  const prefix = section === "" ? "" : `${section}.`;
  const names = CONFIG_TABLE.filter(({ key }) => key.startsWith(prefix)).map(
    ({ key }) => key.slice(prefix.length).split(".", 1)[0] ?? "",
  );
  return [...new Set(names)];
}

function unknownKey(section: string, name: string, sources: Sources): string {
  const key = section === "" ? name : `${section}.${name}`;
  const secret = SECRET_TABLE.find((row) => row.key === key);
  const shown = subject(key.length > 100 ? `${key.slice(0, 100)}...` : key, sources);
  if (secret !== undefined)
    return `${shown}: a secret does not belong in the file; set ${secret.variable} or ${secret.fileKey}`;
  if (section === "checkers")
    return `${shown}: unknown checker${didYouMean(name, namesIn(section)) || `; there are ${namesIn(section).join(", ")}`}`;
  return `${shown}: unknown key${didYouMean(name, namesIn(section))}`;
}

function isConfidential(key: string): boolean {
  return CONFIG_TABLE.some((row) => row.key === key && row.confidential);
}

function faultsOf(issue: z.core.$ZodIssue, sources: Sources): string[] {
  const key = issue.path.join(".");
  if (issue.code === "unrecognized_keys") return issue.keys.map((name) => unknownKey(key, name, sources));
  const got = isConfidential(key)
    ? "a value that is not shown since it may hold a secret"
    : quote(valueAt(sources.settings, issue.path));
  const expected =
    issue.code === "custom" ? issue.message : `a mapping with the keys ${namesIn(key).join(", ")}`;
  return [`${subject(key, sources)}: expected ${expected}, got ${got}`];
}

/** The paths that an issue is about. */
function pathsOf(issue: z.core.$ZodIssue): PropertyKey[][] {
  return issue.code === "unrecognized_keys"
    ? issue.keys.map((name) => [...issue.path, name])
    : [[...issue.path]];
}

function withoutPath(settings: RawSettings, [name, ...rest]: readonly PropertyKey[]): RawSettings {
  return Object.fromEntries(
    Object.entries(settings).flatMap(([key, value]): [string, unknown][] => {
      if (key !== name) return [[key, value]];
      return rest.length > 0 && isMapping(value) ? [[key, withoutPath(value, rest)]] : [];
    }),
  );
}

/**
 * Runs the schema over the merged sources; a fault names the variable, flag or key and quotes the value. The settings
 * have the default in place of each faulty value, so that the checks between settings can report their faults too.
 */
export function parseSettings(sources: Sources): { settings: Settings; faults: string[] } {
  const result = settingsSchema.safeParse(sources.settings);
  if (result.success) return { settings: result.data, faults: [] };
  const { issues } = result.error;
  const sound = issues.flatMap(pathsOf).reduce(withoutPath, sources.settings);
  return {
    settings: settingsSchema.parse(sound),
    faults: issues.flatMap((issue) => faultsOf(issue, sources)),
  };
}
