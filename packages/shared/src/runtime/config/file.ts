import { LineCounter, parseDocument } from "yaml";
import { quote } from "./faults.ts";

/** The text of a file; throws a Node file system error. */
export type ReadFile = (path: string) => string;

/** Nested settings as given, before anything is checked. */
export type RawSettings = Record<string, unknown>;

/** Says why a file could not be read, in words; never its content. */
export function readFault(error: unknown): string {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  switch (code) {
    case "ENOENT":
      return "no such file";
    case "EACCES":
    case "EPERM":
      return "permission denied";
    case "EISDIR":
      return "it is a directory";
    default:
      return `it cannot be read (${typeof code === "string" ? code : "unknown error"})`;
  }
}

/** Whether a value is a mapping as YAML makes it. */
export function isMapping(value: unknown): value is RawSettings {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `key:` with nothing after it is "not set", not a value. */
function withoutNulls(settings: RawSettings): RawSettings {
  return Object.fromEntries(
    Object.entries(settings)
      .filter(([, value]) => value !== null && value !== undefined)
      .map(([key, value]) => [key, isMapping(value) ? withoutNulls(value) : value]),
  );
}

/** Reads the YAML file; faults name the file and the line, never the content of the line. */
export function readConfigFile(
  path: string,
  readFile: ReadFile,
): { settings: RawSettings; faults: readonly string[] } {
  let content: string;
  try {
    content = readFile(path);
  } catch (error) {
    return { settings: {}, faults: [`--config ${quote(path)}: ${readFault(error)}`] };
  }
  const lines = new LineCounter();
  const document = parseDocument(content, { prettyErrors: false, lineCounter: lines });
  const faults = document.errors.map(({ code, pos }) => {
    const { line, col } = lines.linePos(pos[0]);
    return `${path}:${line}:${col}: not valid YAML (${code.toLowerCase().replaceAll("_", " ")})`;
  });
  if (faults.length > 0) return { settings: {}, faults };
  let root: unknown;
  try {
    root = document.toJS();
  } catch {
    // Aliases that multiply ("billion laughs"), or that lead nowhere.
    return { settings: {}, faults: [`${path}: not valid YAML (aliases cannot be resolved)`] };
  }
  if (root === null || root === undefined) return { settings: {}, faults: [] };
  if (!isMapping(root)) return { settings: {}, faults: [`${path}: expected a mapping of settings`] };
  return { settings: withoutNulls(root), faults: [] };
}
