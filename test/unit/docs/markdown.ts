import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";

/** The root of the project, with a slash at its end. */
export const ROOT = new URL("../../../", import.meta.url).pathname;

/** The text of a file of the project. */
export function textOf(path: string): string {
  return readFileSync(join(ROOT, path), "utf8");
}

/** Every file below a folder of the project, as paths from its root, sorted. */
export function filesBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .map((name) => `${folder}/${name}`)
    .filter((path) => !path.includes("node_modules") && statSync(join(ROOT, path)).isFile())
    .toSorted();
}

/** The Markdown documents that we write by hand. */
export const DOCUMENTS: readonly string[] = [
  ...readdirSync(ROOT).filter((name) => name.endsWith(".md")),
  ...filesBelow("docs").filter((path) => path.endsWith(".md")),
  ...filesBelow("packages").filter((path) => path.endsWith(".md")),
];

/** A table of a document; cells are Markdown, trimmed. */
export interface Table {
  /** The heading above it, without its signs. */
  readonly heading: string;
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

interface Found extends Table {
  readonly firstLine: number;
  readonly lines: number;
}

function cellsOf(line: string): string[] {
  return line
    .trim()
    .slice(1, -1)
    .split(/(?<!\\)\|/u)
    .map((text) => text.trim());
}

function tablesIn(markdown: string): Found[] {
  const lines = markdown.split("\n");
  const tables: Found[] = [];
  let heading = "";
  for (let i = 0; i < lines.length; i += 1) {
    const line = lines[i] ?? "";
    heading = /^#+ (?<text>.*)$/u.exec(line)?.groups?.["text"]?.trim() ?? heading;
    if (!line.startsWith("|")) continue;
    let end = i;
    while (lines[end]?.startsWith("|") === true) end += 1;
    const [header = [], , ...rows] = lines.slice(i, end).map(cellsOf);
    tables.push({ heading, header, rows, firstLine: i, lines: end - i });
    i = end;
  }
  return tables;
}

/** The tables of a document in their order. */
export function tablesOf(path: string): readonly Table[] {
  return tablesIn(textOf(path));
}

/** The first table below a heading. Throws when there is none. */
export function tableBelow(path: string, heading: string): Table {
  const table = tablesIn(textOf(path)).find((one) => one.heading === heading);
  if (table === undefined) throw new Error(`${path}: expected a table below the heading "${heading}"`);
  return table;
}

/**
 * The first table below a heading must read like this. With UPDATE_DOCS=1 it is written instead (the heading and a table
 * must be there): how a change of the code gets into the documents.
 */
export function expectTable(path: string, heading: string, wanted: Omit<Table, "heading">): void {
  if (process.env["UPDATE_DOCS"] === "1") writeTable(path, heading, wanted);
  const { header, rows } = tableBelow(path, heading);
  expect({ header, rows }, `table below "${heading}" of ${path}`).toEqual(wanted);
}

function writeTable(path: string, heading: string, { header, rows }: Omit<Table, "heading">): void {
  const text = textOf(path);
  const found = tablesIn(text).find((one) => one.heading === heading);
  if (found === undefined) throw new Error(`${path}: expected a table below the heading "${heading}"`);
  const rule = header.map(() => "---");
  const rendered = [header, rule, ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  const lines = text.split("\n");
  lines.splice(found.firstLine, found.lines, ...rendered);
  writeFileSync(join(ROOT, path), lines.join("\n"));
}

/** Text as a cell holds it. */
export function cell(text: string): string {
  return text.replaceAll("|", String.raw`\|`);
}

/** Text as code in a cell; nothing for nothing. */
export function code(text: string): string {
  return text === "" ? "" : `\`${cell(text)}\``;
}

/** The words that stand as code in the first column of a table, in order. */
export function namesOf({ rows }: Table): string[] {
  return rows.map(([first = ""]) => first.replaceAll(/[*`]/gu, ""));
}

/** The sample below `$ <command>` in a document must be what the command prints. With UPDATE_DOCS=1 it is written instead. */
export function expectSample(path: string, command: string, output: string): void {
  const head = `\`\`\`console\n$ ${command}\n`;
  const text = textOf(path);
  const start = text.indexOf(head) + head.length;
  if (start < head.length) throw new Error(`${path}: expected a sample that begins with "$ ${command}"`);
  const end = text.indexOf("```", start);
  if (process.env["UPDATE_DOCS"] === "1")
    writeFileSync(join(ROOT, path), text.slice(0, start) + output + text.slice(end));
  expect(textOf(path), `sample of ${command} in ${path}`).toContain(`${head}${output}\`\`\`\n`);
}
