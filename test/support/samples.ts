import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "vitest";
import { DOCUMENTS, ROOT, textOf } from "../unit/docs/markdown.ts";

/**
 * A sample of output in a document: a fenced block of the kind `console` below a comment that names it,
 *
 *     <!-- sample: explain -->              the whole output
 *     <!-- sample: explain; Node, Next -->  the lines that begin with one of these words, and `...` for what is left out
 *
 * The first line is the command, behind `$ `.
 */
export interface Sample {
  readonly file: string;
  readonly name: string;
  readonly chosen: readonly string[];
  /** What stands between the fences. */
  readonly body: string;
}

const BLOCK = /^<!-- sample: (?<head>[^>]+) -->\n\n?```console\n(?<body>[\s\S]*?)^```$/gmu;
/** A block that another test writes and compares, which the comment names. */
const HELD = /^<!-- held by (?<test>test\/[\w./-]+) -->\n\n?```console$/gmu;
const CONSOLE = /^```console$/gmu;

/** The samples of a document in their order. */
function samplesIn(file: string): Sample[] {
  return [...textOf(file).matchAll(BLOCK)].map(({ groups = {} }) => {
    const [name = "", chosen = ""] = (groups["head"] ?? "").split(";").map((part) => part.trim());
    const words = chosen === "" ? [] : chosen.split(",").map((word) => word.trim());
    return { file, name, chosen: words, body: groups["body"] ?? "" };
  });
}

/** Every sample of every document. */
export const SAMPLES: readonly Sample[] = DOCUMENTS.flatMap(samplesIn);

/** Documents with blocks of output that no comment names, and how many: those are held by nothing. */
export function unnamedSamples(): Record<string, number> {
  const found = DOCUMENTS.map((file): [string, number] => {
    const blocks = [...textOf(file).matchAll(CONSOLE)].length;
    const held = [...textOf(file).matchAll(HELD)].filter(({ groups }) => holds(groups?.["test"], file));
    return [file, blocks - samplesIn(file).length - held.length];
  });
  return Object.fromEntries(found.filter(([, count]) => count > 0));
}

/** The test is there and speaks of the document. */
function holds(test: string | undefined, file: string): boolean {
  const path = join(ROOT, test ?? "");
  return test !== undefined && existsSync(path) && readFileSync(path, "utf8").includes(file);
}

/** The sample as it must read, given everything that the command printed. */
function rendered({ chosen }: Sample, output: string): string {
  if (chosen.length === 0) return output;
  const [command = "", ...lines] = output.trimEnd().split("\n");
  const kept = lines.filter((line) => chosen.some((word) => line.startsWith(`${word} `)));
  return `${[command, ...kept, ...(kept.length < lines.length ? ["..."] : [])].join("\n")}\n`;
}

/** A sample must read like this. With UPDATE_DOCS=1 it is written instead: how a change of a text gets into the documents. */
export function expectSample(sample: Sample, output: string): void {
  const wanted = rendered(sample, output);
  if (process.env["UPDATE_DOCS"] === "1" && sample.body !== wanted) {
    const text = textOf(sample.file);
    writeFileSync(
      join(ROOT, sample.file),
      text.replace(`\`\`\`console\n${sample.body}\`\`\``, () => `\`\`\`console\n${wanted}\`\`\``),
    );
    return;
  }
  expect(sample.body, `sample "${sample.name}" of ${sample.file}`).toBe(wanted);
}
