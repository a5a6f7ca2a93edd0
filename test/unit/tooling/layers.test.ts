import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import {
  ALLOWED_IMPORTS,
  faultOf,
  importsOf,
  layerOf,
  LAYERS,
  PLANTED_FAULTS,
} from "../../support/layers.ts";

const root = fileURLToPath(new URL("../../../", import.meta.url));
const files = globSync("packages/*/src/**/*.ts", { cwd: root }).map((file) => file.replaceAll("\\", "/"));
const graph = files.map((file) => ({ file, imports: importsOf(readFileSync(`${root}${file}`, "utf8")) }));

describe("the layers of the source", () => {
  test("every file is in a layer that the table knows", () => {
    expect(files.filter((file) => !Object.hasOwn(LAYERS, layerOf(file) ?? ""))).toEqual([]);
    expect(files.length).toBeGreaterThan(100);
  });

  test("no file imports what its layer may not", () => {
    const faults = graph.flatMap(({ file, imports }) => imports.map((module) => faultOf(file, module)));
    expect(faults.filter((fault) => fault !== undefined)).toEqual([]);
  });

  test("every folder that has files imports something: the reader of imports sees them", () => {
    const importing = new Set(
      graph.filter(({ imports }) => imports.length > 0).map(({ file }) => layerOf(file)),
    );
    expect([...new Set(files.map(layerOf))].filter((layer) => !importing.has(layer))).toEqual([]);
  });

  test("the table itself has no cycle", () => {
    const done = new Set<string>();
    for (let size = -1; size !== done.size;) {
      size = done.size;
      for (const [name, { layers }] of Object.entries(LAYERS))
        if (layers.every((layer) => done.has(layer))) done.add(name);
    }
    expect([...done].toSorted()).toEqual(Object.keys(LAYERS).toSorted());
  });
});

describe("the check of the layers", () => {
  test.each(PLANTED_FAULTS)("refuses %s importing %s", (file, module) => {
    expect(faultOf(file, module)).toContain(`${file} imports ${module}`);
  });

  test.each(ALLOWED_IMPORTS)("allows %s importing %s", (file, module) => {
    expect(faultOf(file, module)).toBeUndefined();
  });

  test("a file outside every layer is a fault of its own", () => {
    expect(faultOf("packages/shared/src/loose.ts", "./core/time.ts")).toContain("in no layer");
    expect(faultOf("packages/newcomer/src/main.ts", "node:fs")).toContain("in no layer");
  });

  test("reads every way to import", () => {
    const source = [
      'import fs from "node:fs";',
      'import type { A } from "./a.ts";',
      'import "./effect.ts";',
      'import {\n  b,\n  type C,\n} from "./b.ts";',
      'export { d } from "./d.ts";',
      'export * from "./e.ts";',
      'const f = await import("./f.ts");',
      'type G = import("./g.ts").G;',
      'import data from "./h.json" with { type: "json" };',
      'export const text = "not ./an-import.ts";',
    ].join("\n");
    expect(importsOf(source).toSorted()).toEqual(
      [
        "./a.ts",
        "./b.ts",
        "./d.ts",
        "./e.ts",
        "./effect.ts",
        "./f.ts",
        "./g.ts",
        "./h.json",
        "node:fs",
      ].toSorted(),
    );
  });
});
