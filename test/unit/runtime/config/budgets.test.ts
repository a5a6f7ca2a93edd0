import { describe, expect, test } from "vitest";
import { DEFAULT_POLICY } from "@node-agent/shared/core/policy.ts";
import { policyOf } from "@node-agent/shared/runtime/config/config.ts";
import { configOf, faultsOf } from "./load-support.ts";

describe("budgets that let more than half of a cluster be rebooted at once (G10)", () => {
  test("are a fault that names what lifts it", () => {
    expect(faultsOf({ file: "storm: { budgets: { clusterPercent: 51 } }" })).toEqual([
      "storm.budgets.clusterPercent (agent.yaml): expected at most 50, got 51; storm.budgets.override: true lifts this",
    ]);
  });

  test.each([
    ["half of it", "storm: { budgets: { clusterPercent: 50 } }", 50],
    ["all of it, and it is meant", "storm: { budgets: { clusterPercent: 100, override: true } }", 100],
  ])("%s is taken", (_what, file, clusterPercent) => {
    const policy = policyOf(configOf({ file }));
    expect(policy.storm.budgets).toEqual({ ...DEFAULT_POLICY.storm.budgets, clusterPercent });
  });
});
