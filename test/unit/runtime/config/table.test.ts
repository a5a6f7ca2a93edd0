import { describe, expect, test } from "vitest";
import { CONFIG_TABLE } from "@node-agent/shared/runtime/config/table.ts";
import { configOf, faultsOf } from "./load-support.ts";

const settable = CONFIG_TABLE.filter(({ key }) => !key.includes("<"));

describe("the table of settings", () => {
  test("has each key, variable and flag once, and a meaning for each", () => {
    const names = [
      ...CONFIG_TABLE.map(({ key }) => key),
      ...CONFIG_TABLE.flatMap(({ env }) => env.map(({ name }) => name)),
      ...CONFIG_TABLE.flatMap(({ flag }) => (flag === undefined ? [] : [`--${flag}`])),
    ];
    expect(new Set(names).size).toBe(names.length);
    for (const { meaning } of CONFIG_TABLE) expect(meaning).toMatch(/^[A-Z].*\.$/u);
  });

  test("keeps the seed's names of variables", () => {
    const names = CONFIG_TABLE.flatMap(({ env }) => env.map(({ name }) => name));
    expect(names).toEqual(
      expect.arrayContaining([
        "CIVO_NODE_AGENT_MONITOR_ONLY",
        "CIVO_NODE_AGENT_METRICS_PORT",
        "CIVO_NODE_POOL_ID",
        "CIVO_NODE_POOL_IDS",
        "CIVO_NODE_REBOOT_WAIT_MINUTES",
        "CIVO_GPU_NODE_REBOOT_WAIT_MINUTES",
        "CIVO_API_URL",
        "CIVO_REGION",
        "CIVO_CLUSTER_ID",
      ]),
    );
  });

  test.each(settable.filter((row) => row.default !== "").map((row) => [row.key, row.default] as const))(
    "prints the default of %s (%s) as the file reads it",
    (key, fallback) => {
      const nested = key.split(".").reduceRight<unknown>((value, name) => ({ [name]: value }), fallback);
      expect(configOf({ file: JSON.stringify(nested) })).toEqual(configOf({}));
    },
  );

  test.each(
    // An unparsable monitor-only variable is no fault: it keeps true (seed).
    settable.filter((row) => row.env.length === 1 && row.default !== "" && row.key !== "monitorOnly"),
  )("names a variable that sets $key", ({ env: [variable], default: fallback }) => {
    const value = variable?.unit === "minutes" ? fallback.replace("m", "") : fallback;
    expect(configOf({ env: { [variable?.name ?? ""]: value } })).toEqual(configOf({}));
    // A value that no setting takes proves that the variable is read at all.
    expect(faultsOf({ env: { [variable?.name ?? ""]: "\u0007?" } })[0]).toContain(
      `${variable?.name}: expected`,
    );
  });

  test.each(settable.flatMap((row) => (row.flag === undefined || row.default === "" ? [] : [{ ...row }])))(
    "names a flag that sets $key",
    ({ flag = "", default: fallback }) => {
      expect(configOf({ argv: [`--${flag}=${fallback}`] })).toEqual(configOf({}));
      expect(faultsOf({ argv: [`--${flag}=\u0007?`] })[0]).toContain(`--${flag}: expected`);
    },
  );
});
