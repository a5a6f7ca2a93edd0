import { existsSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { describe, expect, test } from "vitest";
import { commandSchema } from "../../../packages/simulator/src/control/commands.ts";
import { NODE_FAULTS } from "../../../packages/simulator/src/world/machine.ts";
import { DOCUMENTS, filesBelow, ROOT, textOf } from "./markdown.ts";

const CODE = /```[\s\S]*?```/gu;

/** The anchor that Git hosts give a heading. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
    .trim()
    .replaceAll(" ", "-");
}

function anchorsOf(path: string): string[] {
  const headings = textOf(path)
    .replaceAll(CODE, "")
    .matchAll(/^#+ (?<text>.+)$/gmu);
  return [...headings].map(({ groups }) => anchorOf(groups?.["text"] ?? ""));
}

describe.each(DOCUMENTS)("%s", (path) => {
  const text = textOf(path);

  test("links to files and headings that exist", () => {
    const links = [...text.replaceAll(CODE, "").matchAll(/\]\((?<to>[^)\s]+)\)/gu)];
    for (const { groups } of links) {
      const to = groups?.["to"] ?? "";
      if (to.startsWith("https://")) continue;
      const [file = "", anchor] = to.split("#");
      const target = file === "" ? path : normalize(join(dirname(path), file));
      expect(existsSync(join(ROOT, target)), `link to ${to}`).toBe(true);
      const anchors = anchor === undefined ? [undefined] : anchorsOf(target);
      expect(anchors, `link to ${to}`).toContain(anchor);
    }
  });

  test("names files that exist", () => {
    const named = [...text.matchAll(/\b(?:packages|scripts|deploy|docs|test)\/[\w./-]+\.\w+\b/gu)];
    for (const [file] of named) expect(existsSync(join(ROOT, file)), file).toBe(true);
  });

  test("holds no path of the machine it was written on", () => {
    expect(text).not.toMatch(/\/(?:work|root|home|Users)\//u);
  });
});

describe("a decision", () => {
  const decisions = filesBelow("docs/decisions").filter((path) => /\/\d{4}-/u.test(path));

  test.each(decisions)("%s has context, options, decision and consequences on one page", (path) => {
    const text = textOf(path);
    const headings = [...text.matchAll(/^## (?<text>.+)$/gmu)].map(({ groups }) => groups?.["text"]);
    expect(headings).toEqual(["Context", "Options", "Decision", "Consequences"]);
    expect(text.split(/\s+/u).length).toBeLessThan(450);
  });

  test("stands in the list of decisions, and is numbered without a gap", () => {
    const list = textOf("docs/decisions/README.md");
    for (const [index, path] of decisions.entries()) {
      const name = path.split("/").at(-1) ?? "";
      expect(Number(name.slice(0, 4))).toBe(index + 1);
      expect(textOf(path)).toMatch(new RegExp(`^# ${index + 1}\\. `, "u"));
      expect(list).toContain(`[${index + 1}](${name})`);
    }
  });
});

describe("the simulator's README", () => {
  const text = textOf("packages/simulator/README.md");
  /** Commands whose request has another name. */
  const requests: Readonly<Record<string, string>> = {
    add: "POST /nodes`",
    fault: "POST /faults`",
    "clear-faults": "`DELETE` clears",
    outage: "POST /outages`",
  };

  test.each(NODE_FAULTS)("names the fault %s of a node", (fault) => {
    expect(text).toContain(`\`${fault}\``);
  });

  test.each(commandSchema.options.map(({ shape }): string => shape.do.value))(
    "names the command %s",
    (word) => {
      expect(text).toContain(requests[word] ?? word);
    },
  );

  test("names every fault of an API", () => {
    const effects = commandSchema.options.flatMap(({ shape }) =>
      "fault" in shape && "options" in shape.fault
        ? shape.fault.options.flatMap((fault) =>
            typeof fault === "object" ? [fault.shape.effect.value] : [],
          )
        : [],
    );
    expect(effects.length).toBeGreaterThan(5);
    for (const effect of effects) expect(text).toContain(`\`${effect}\``);
  });
});
