import { describe, test } from "vitest";
import { FOREIGN_MARKS, type ForeignMark } from "@node-agent/shared/core/foreign-marks.ts";
import {
  PLANNED_WORK_MARKS,
  type PlannedWorkMark,
  type WorkState,
} from "@node-agent/shared/core/planned-work.ts";
import { spanText } from "@node-agent/shared/core/time-text.ts";
import { cell, code, expectTable } from "./markdown.ts";

const DOCUMENT = "docs/safety.md";

function valuesOf({ values }: PlannedWorkMark, state: WorkState): string {
  return Object.entries(values)
    .filter(([, one]) => one === state)
    .map(([value]) => code(value))
    .join(" ");
}

function countsOf({ known, setAt, staleAfter, at }: ForeignMark): string {
  const by = setAt === undefined ? "since it was first seen" : "since the time in its value";
  if (staleAfter !== undefined) return `for ${spanText(staleAfter)} ${by}`;
  const set = known === undefined || at.includes("taint") ? "while it is there" : "unless it is `false`";
  return setAt === undefined ? set : `${set}, ${by}`;
}

describe("docs/safety.md on others that work on a node", () => {
  test("tells every mark of planned work, and no other", () => {
    expectTable(DOCUMENT, "Planned work marks", {
      header: ["Mark", "Where", "Work", "Owner", "In progress", "Waits", "Failed"],
      rows: PLANNED_WORK_MARKS.map((mark) => [
        code(mark.key),
        mark.at,
        cell(mark.what),
        cell(mark.owner),
        valuesOf(mark, "InProgress"),
        valuesOf(mark, "Waits"),
        valuesOf(mark, "Failed"),
      ]),
    });
  });

  test("tells every mark of other owners, and no other", () => {
    expectTable(DOCUMENT, "Marks of other owners", {
      header: ["Mark", "Where", "Meaning", "Owner", "It counts"],
      rows: FOREIGN_MARKS.map((mark) => [
        code(mark.key),
        mark.at.join(", "),
        `\`${mark.meaning}\`: ${cell(mark.does)}`,
        cell(mark.owner),
        countsOf(mark),
      ]),
    });
  });
});
