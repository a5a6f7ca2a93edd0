import { writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { scaledYaml } from "../../../scripts/demo/settings.ts";
import { ROOT, textOf } from "./markdown.ts";

const COMPOSE = "deploy/compose/demo/config.yaml";
/** What follows this line is generated. */
const MARK = "# Below: scripts/demo/settings.ts, written by UPDATE_DOCS=1 npm run unit.\n";

test("the demo in containers has the spans and limits of npm start", () => {
  const text = textOf(COMPOSE);
  const start = text.indexOf(MARK) + MARK.length;
  expect(start).toBeGreaterThan(MARK.length);
  if (process.env["UPDATE_DOCS"] === "1")
    writeFileSync(`${ROOT}${COMPOSE}`, text.slice(0, start) + scaledYaml());
  expect(textOf(COMPOSE).slice(start)).toBe(scaledYaml());
});
