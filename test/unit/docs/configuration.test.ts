import { describe, expect, test } from "vitest";
import { CONFIG_TABLE, SECRET_TABLE, type SettingRow } from "@node-agent/shared/runtime/config/table.ts";
import { RETIRED_VARIABLES } from "@node-agent/shared/runtime/config/unknown-variables.ts";
import { cell, code, expectTable, tableBelow, tablesOf } from "./markdown.ts";

/** The variables of the agent that this project started from; bold in the documents. */
const SEED = [
  "CIVO_NODE_AGENT_MONITOR_ONLY",
  "CIVO_NODE_AGENT_METRICS_PORT",
  "CIVO_NODE_POOL_ID",
  "CIVO_NODE_POOL_IDS",
  "CIVO_NODE_REBOOT_WAIT_MINUTES",
  "CIVO_GPU_NODE_REBOOT_WAIT_MINUTES",
  "CIVO_NODE_MAX_REBOOT_RETRIES",
  "CIVO_API_URL",
  "CIVO_API_KEY",
  "CIVO_REGION",
  "CIVO_CLUSTER_ID",
];
const DOCUMENT = "docs/configuration.md";
const SECTIONS = [...new Set(CONFIG_TABLE.map(sectionOf))];

function sectionOf({ key }: SettingRow): string {
  const [first = "", ...rest] = key.split(".");
  return rest.length === 0 || ["rebootWait", "expectedGpus"].includes(first) ? "General" : first;
}

function variable(name: string): string {
  return SEED.includes(name) ? `**${code(name)}**` : code(name);
}

function cellsOf({ key, env, flag, default: fallback, meaning }: SettingRow): string[] {
  const variables = env.map(({ name, unit }) => variable(name) + (unit === "minutes" ? " (minutes)" : ""));
  // A key with a name of the operator's in it is absent unless the operator writes it.
  const shown = key.includes("<") ? "" : code(fallback);
  return [code(key), variables.join(", "), flag === undefined ? "" : code(`--${flag}`), shown, cell(meaning)];
}

describe("docs/configuration.md", () => {
  test.each(SECTIONS)(
    "tells every setting of %s with its names, default and meaning, and no other",
    (section) => {
      const rows = CONFIG_TABLE.filter((row) => sectionOf(row) === section).map(cellsOf);
      expectTable(DOCUMENT, section, {
        header: ["Key", "Environment", "Flag", "Default", "Meaning"],
        rows,
      });
    },
  );

  test("has no table of settings that do not exist", () => {
    const headings = tablesOf(DOCUMENT)
      .filter(({ header }) => header[0] === "Key")
      .map(({ heading }) => heading);
    expect(headings.toSorted()).toEqual(SECTIONS.toSorted());
  });

  test("tells every secret", () => {
    const rows = SECRET_TABLE.map((row) => [variable(row.variable), code(row.fileKey), cell(row.meaning)]);
    expectTable(DOCUMENT, "Secrets", { header: ["Environment", "Or a file named by", "Meaning"], rows });
  });

  test("tells every retired variable of the seed agent", () => {
    const retired = tableBelow(DOCUMENT, "Coming from the Go agent")
      .rows.filter(([, , ours = ""]) => ours.startsWith("retired, warned of: "))
      .map(([name = ""]) => name);
    expect(retired.toSorted()).toEqual([...RETIRED_VARIABLES.keys()].map(code).toSorted());
  });

  test("shows every name of the seed agent, marked", () => {
    const cells = tablesOf(DOCUMENT).flatMap(({ rows }) => rows.flat());
    for (const name of SEED)
      expect(
        cells.some((text) => text.includes(`**\`${name}\`**`)),
        name,
      ).toBe(true);
  });
});

describe("README.md", () => {
  test("repeats settings as they are", () => {
    const known = new Map(
      CONFIG_TABLE.map((row) => [code(row.key), cellsOf(row).filter((_, column) => column !== 2)]),
    );
    const chosen = tableBelow("README.md", "Configuration").rows.map(([key = ""]) => key);
    const rows = chosen.map((key) => known.get(key) ?? [key, "no such setting"]);
    expectTable("README.md", "Configuration", { header: ["Key", "Environment", "Default", "Meaning"], rows });
    expect(new Set(chosen).size).toBeGreaterThan(10);
  });
});
