import { parseAllDocuments } from "yaml";
import { DOCUMENTS, filesBelow, tablesOf, textOf } from "../unit/docs/markdown.ts";

/** A PromQL query as a document or a rule shows it to an operator. */
export interface DocumentedQuery {
  readonly file: string;
  readonly query: string;
}

/** Columns of queries of the agent that this project started from: they select nothing here, and say so. */
const FOREIGN_COLUMN = "Go agent";
/** One of our metrics with something around it: a bare name is a name, and no query. */
const QUERY = /civo_node_agent_\w+.*[)\]}]|civo_node_agent_\w+ *(?:[<>]=?|==|!=)/u;

/**
 * Every query of the Markdown documents (in code spans, and in fenced blocks marked `promql`) and of the rules in
 * `deploy` (`expr`). A new query is found without being listed anywhere.
 */
export function documentedQueries(): readonly DocumentedQuery[] {
  return [
    ...DOCUMENTS.flatMap((file) => queriesOfMarkdown(file).map((query) => ({ file, query }))),
    ...filesBelow("deploy")
      .filter((file) => /\.ya?ml$/u.test(file))
      .flatMap((file) => queriesOfYaml(textOf(file)).map((query) => ({ file, query }))),
  ];
}

function queriesOfMarkdown(file: string): string[] {
  const text = textOf(file);
  const fenced = [...text.matchAll(/^```promql\n(?<body>[\s\S]*?)^```$/gmu)].flatMap(({ groups }) =>
    (groups?.["body"] ?? "").split("\n\n"),
  );
  const foreign = new Set(tablesOf(file).flatMap(({ header, rows }) => columnOf(header, rows)));
  const prose = text.replaceAll(/^```[\s\S]*?^```$/gmu, "");
  const spans = [...prose.matchAll(/`(?<code>[^`\n]+)`/gu)]
    .map(({ groups }) => groups?.["code"] ?? "")
    .filter((code) => !foreign.has(code))
    .map((code) => code.replaceAll(String.raw`\|`, "|"));
  return [...fenced, ...spans].map((query) => query.trim()).filter((query) => QUERY.test(query));
}

/** The code spans of the column of foreign queries, if a table has one. */
function columnOf(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const column = header.indexOf(FOREIGN_COLUMN);
  if (column === -1) return [];
  return rows.flatMap((row) => [...(row[column] ?? "").matchAll(/`([^`]+)`/gu)].map(([, code = ""]) => code));
}

function queriesOfYaml(text: string): string[] {
  return parseAllDocuments(text).flatMap((document) => expressionsIn(document.toJS()));
}

function expressionsIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, child]: [string, unknown]) =>
    key === "expr" && typeof child === "string" ? [child] : expressionsIn(child),
  );
}

/** One metric of a query with what is asked of its labels; a pattern stands for each of its alternatives. */
export interface Selector {
  readonly metric: string;
  readonly matchers: readonly { readonly label: string; readonly values: readonly string[] }[];
  /** It is the counter inside of `increase` or `rate`. */
  readonly counted: boolean;
}

/** The selectors of a query, as far as they are about our metrics. */
export function selectorsOf(query: string): Selector[] {
  const pattern =
    /(?<call>\b(?:increase|rate|irate)\()?(?<metric>civo_node_agent_\w+)(?:\{(?<matchers>[^}]*)\})?/gu;
  return [...query.matchAll(pattern)].map(({ groups = {} }) => ({
    metric: groups["metric"] ?? "",
    counted: groups["call"] !== undefined,
    matchers: [...(groups["matchers"] ?? "").matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"/gu)].map(
      ([, label = "", values = ""]) => ({ label, values: values.split("|") }),
    ),
  }));
}
