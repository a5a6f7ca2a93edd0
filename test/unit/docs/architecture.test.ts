import { describe, expect, test } from "vitest";
import { keysOf, SHARDS } from "@node-agent/shared/contract/keys.ts";
import { QUEUES } from "@node-agent/shared/contract/queues.ts";
import { filesBelow, namesOf, tablesOf, textOf } from "./markdown.ts";

const DOCUMENT = "ARCHITECTURE.md";
const PACKAGES = ["shared", "kubernetes", "civo", "watcher", "worker", "console", "cli", "simulator"];

/** The blocks of the list of files: a folder, then an indented line for each file with its purpose. */
function listed(): { path: string; purpose: string }[] {
  const [, fence = ""] = /## Files[\s\S]*?```text\n(?<fence>[\s\S]*?)```/u.exec(textOf(DOCUMENT)) ?? [];
  let folder = "";
  return fence.split("\n").flatMap((line) => {
    if (/^\S+\/$/u.test(line)) folder = line;
    const { file, purpose } = /^ {2}(?<file>\S+) +(?<purpose>.+)$/u.exec(line)?.groups ?? {};
    return file === undefined ? [] : [{ path: `${folder}${file}`, purpose: purpose ?? "" }];
  });
}

describe("ARCHITECTURE.md", () => {
  test("lists every source file once, and none that does not exist", () => {
    const files = [...PACKAGES.map((name) => `packages/${name}/src`), "scripts"].flatMap(filesBelow);
    expect(
      listed()
        .map(({ path }) => path)
        .toSorted(),
    ).toEqual(files.toSorted());
  });

  test("lists every package", () => {
    expect(filesBelow("packages").filter((path) => /^packages\/[^/]+\/package\.json$/u.test(path))).toEqual(
      PACKAGES.map((name) => `packages/${name}/package.json`).toSorted(),
    );
  });

  test("tells every key of Redis, and no other", () => {
    const keys = keysOf("<cluster>".replaceAll(/[<>]/gu, ""));
    const { prefix: _prefix, ...built } = keys;
    const shown = Object.values(built).map((key) =>
      (typeof key === "string" ? key : key(7).replace(/7$/u, "<shard>")).replace(":cluster}", ":<cluster>}"),
    );
    const table = tablesOf(DOCUMENT).find(({ header }) => header[0] === "Key");
    expect(namesOf(table ?? { heading: "", header: [], rows: [] })).toEqual(shown);
    expect(textOf(DOCUMENT)).toContain(`over ${SHARDS} shards`);
  });

  test("tells every queue, and no other", () => {
    const table = tablesOf(DOCUMENT).find(({ header }) => header[0] === "Queue");
    expect(namesOf(table ?? { heading: "", header: [], rows: [] })).toEqual(Object.values(QUEUES));
  });

  test("names for each invariant a guard and a test that exist", () => {
    const table = tablesOf(DOCUMENT).find(({ header }) => header.includes("Guarded by"));
    expect(table?.rows.map(([name]) => name)).toEqual(["I1", "I2", "I3", "I4", "I5", "I6"]);
    const known = new Set([...filesBelow("packages"), ...filesBelow("test")]);
    for (const [name = "", , ...places] of table?.rows ?? []) {
      const [guards = [], tests = []] = places.map((text) =>
        [...text.matchAll(/`(?<path>[\w./-]+\.\w+)`/gu)].map(({ groups }) => groups?.["path"] ?? ""),
      );
      for (const path of [...guards, ...tests]) expect(known, `${name}: ${path}`).toContain(path);
      expect(
        guards.some((path) => path.startsWith("packages/")),
        name,
      ).toBe(true);
      expect(
        tests.some((path) => path.startsWith("test/")),
        name,
      ).toBe(true);
    }
  });
});
