import { describe, expect, test } from "vitest";
import { createCheckers } from "@node-agent/shared/core/checkers/registry.ts";
import { fleetSummary } from "@node-agent/shared/core/fleet-summary.ts";
import { DEFAULT_POLICY, type RepairPolicy } from "@node-agent/shared/core/policy.ts";
import { MINUTE } from "@node-agent/shared/core/time.ts";
import { aNode, type NodeBuilder } from "@node-agent/shared/testing/builders.ts";
import { statusText } from "../../../packages/cli/src/status-text.ts";

const NOON = Date.UTC(2026, 10, 23, 12);
const ACTIVE: RepairPolicy = { ...DEFAULT_POLICY, monitorOnly: false };

function textOf(nodes: readonly NodeBuilder[], policy: RepairPolicy = DEFAULT_POLICY): string {
  const rules = { policy, checkers: createCheckers(policy) };
  const listed = nodes.map((node) => ({ snapshot: node.snapshot(), selected: true }));
  return statusText(fleetSummary(listed, undefined, rules, NOON), "prod");
}

describe("a summary for a person", () => {
  test("names a checker that applies to no node, and none that applies to one", () => {
    const text = textOf([aNode("a"), aNode("b").gpu(8)]);
    expect(text).toContain("Cilium applies to no node of this cluster (NoCilium)\n");
    expect(text).not.toMatch(/(?:NodeReady|GPU|DiskPressure) applies to no node/u);
  });

  test("of an empty cluster names no checker", () => {
    const text = textOf([]);
    expect(text).not.toContain("applies to no node");
    expect(text).toMatch(/^Nodes +0 selected$/mu);
  });

  test("in active mode a reboot is one, in monitor-only mode it would be", () => {
    const nodes = [aNode("sick").notReady(), aNode("well")];
    expect(textOf(nodes, ACTIVE)).toMatch(/^sick .* {2}reboot not before /mu);
    const words = textOf(nodes)
      .split("\n")
      .filter((line) => /reboot/u.test(line));
    for (const line of words) expect(line).toMatch(/would/u);
  });

  test("cuts long lists, and says that there is more", () => {
    const many = Array.from({ length: 25 }, (_, i) => aNode(`n-${i}`).pool(`pool-${i}`).notReady());
    const text = textOf(many);
    expect(text).toMatch(/^Pools .* and 5 more$/mu);
    expect(text).toContain("and 5 nodes more; -o json has all\n");
  });

  test("shows nothing that would steer the terminal", () => {
    const text = textOf([
      aNode("a")
        .label("topology.kubernetes.io/zone", "z\u{1B}[31m")
        .since(NOON - MINUTE),
    ]);
    expect(text).not.toContain("\u{1B}");
  });
});
