import { describe, expect, test } from "vitest";
import { DEFAULT_POLICY } from "@node-agent/shared/core/policy.ts";
import { policyOf } from "@node-agent/shared/runtime/config/config.ts";
import { configOf, faultsOf, warningsOf } from "./load-support.ts";

const percent = (value: number) => `limits: { open: { cluster: { percent: ${value} } } }`;

describe("limits that let more than half of a cluster be repaired at once (G10)", () => {
  test("are a fault that names what lifts it", () => {
    expect(faultsOf({ file: percent(51) })).toEqual([
      "limits.open.cluster.percent (agent.yaml): expected at most 50, got 51; limits.override: true lifts this",
    ]);
  });

  test.each([
    ["half of it", percent(50), 50],
    ["all of it, and it is meant", "limits: { override: true, open: { cluster: { percent: 100 } } }", 100],
  ])("%s is taken", (_what, file, most) => {
    const { limits } = policyOf(configOf({ file }));
    const cluster = { ...DEFAULT_POLICY.limits.open.cluster, percent: most };
    expect(limits).toEqual({
      ...DEFAULT_POLICY.limits,
      open: { ...DEFAULT_POLICY.limits.open, cluster },
    });
  });
});

test("a cure rate needs no more results than it looks at", () => {
  expect(faultsOf({ file: "cureRate: { minimum: 11 }" })).toEqual([
    "cureRate.minimum (agent.yaml): expected at most cureRate.latest (10), got 11",
  ]);
});

describe("a setting of an earlier version", () => {
  const { limits, breaker } = DEFAULT_POLICY;

  test("sets what replaces it, keeps its meaning, and is warned of", () => {
    const file =
      "storm: { budgets: { cluster: 5, perHour: 7, nodePerDay: 9 }, floor: 4, unhealthyPercent: 30 }";
    const policy = policyOf(configOf({ file }));
    expect(policy.limits).toEqual({
      open: { ...limits.open, cluster: { count: 5, percent: 0 } },
      rate: { count: 7, percent: 0 },
      nodePerDay: 9,
    });
    expect(policy.breaker).toEqual({
      ...breaker,
      floor: 4,
      percent: { ...breaker.percent, zone: 30, cluster: 30 },
    });
    expect(warningsOf({ file })).toContain(
      "storm.budgets.cluster (agent.yaml): deprecated; it sets limits.open.cluster.count, and limits.open.cluster.percent to 0. Set these instead",
    );
  });

  test("does so as a variable, too, which wins over the file", () => {
    const file = "storm: { budgets: { pool: 5 } }";
    const env = { CIVO_NODE_AGENT_STORM_BUDGETS_POOL: "3" };
    expect(policyOf(configOf({ file, env })).limits.open.pool).toEqual({ count: 3, percent: 0 });
    expect(warningsOf({ file, env }).filter((line) => line.includes("deprecated"))).toEqual([
      "CIVO_NODE_AGENT_STORM_BUDGETS_POOL: deprecated; it sets limits.open.pool.count, and limits.open.pool.percent to 0. Set these instead",
    ]);
  });

  test("with a value that cannot be read is the fault of the name that was given", () => {
    expect(faultsOf({ env: { CIVO_NODE_AGENT_STORM_BUDGETS_POOL: "many" } })).toEqual([
      'CIVO_NODE_AGENT_STORM_BUDGETS_POOL: expected a whole number from 0 to 100000, got "many"',
    ]);
  });

  test("beside the one that replaces it is a fault", () => {
    const file = "storm: { budgets: { pool: 5 } }\nlimits: { open: { pool: { percent: 3 } } }";
    expect(faultsOf({ file })).toEqual([
      "storm.budgets.pool (agent.yaml): set together with limits.open.pool.percent, which replaces it; remove storm.budgets.pool",
    ]);
  });

  test.each([
    ["storm: { budgets: { perDay: 30 } }", "storm.budgets.perDay (agent.yaml): retired; limits.rate limits"],
    [
      "storm: { budgets: { spacing: 30s } }",
      "storm.budgets.spacing (agent.yaml): retired; limits.rate limits",
    ],
    ["storm: { budgets: { clusterPercent: 5 } }", "storm.budgets.clusterPercent (agent.yaml): retired; "],
    ["storm: { uncured: 3 }", "storm.uncured (agent.yaml): retired; cureRate says"],
    ["storm: { burst: 3 }", "storm.burst (agent.yaml): retired; breaker.floor"],
    ["rebootRateLimit: { max: 3 }", "rebootRateLimit.max (agent.yaml): retired; limits.rate limits"],
  ])("that has lost its meaning is a fault that says what to set: %s", (file, fault) => {
    expect(faultsOf({ file })).toEqual([expect.stringContaining(fault)]);
  });

  test("is one as a variable, too", () => {
    expect(faultsOf({ env: { CIVO_NODE_AGENT_REBOOT_RATE_LIMIT_MAX: "3" } })).toEqual([
      expect.stringContaining("CIVO_NODE_AGENT_REBOOT_RATE_LIMIT_MAX: retired; limits.rate limits"),
    ]);
  });
});
