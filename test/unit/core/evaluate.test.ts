import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { CheckVerdict, HealthChecker, NodeHistory } from "@node-agent/shared/core/check.ts";
import { createCheckers } from "@node-agent/shared/core/checkers/registry.ts";
import { evaluate } from "@node-agent/shared/core/evaluation.ts";
import { DEFAULT_POLICY } from "@node-agent/shared/core/policy.ts";
import { MINUTE } from "@node-agent/shared/core/time.ts";
import { aNode, type NodeBuilder } from "@node-agent/shared/testing/builders.ts";

const bornAt = Date.UTC(2026, 0, 1);
const history: NodeHistory = {
  at: bornAt + 1000 * MINUTE,
  firstSeenAt: bornAt,
  everReady: true,
  gpuNode: false,
  gpuHighWater: 0,
};
const checkers = createCheckers(DEFAULT_POLICY);

const saying = (verdict: CheckVerdict): HealthChecker => ({
  name: "Cilium",
  threshold: MINUTE,
  action: "None",
  check: () => ({ verdict, reason: "Said" }),
});

describe("evaluate", () => {
  test.each<[string, NodeBuilder, string]>([
    ["a healthy node passes", aNode(), "Pass"],
    ["a node that is not ready fails", aNode().notReady(), "Fail"],
    ["a silent node fails", aNode().unknown(), "Fail"],
    ["a full disk fails", aNode().diskPressure(), "Fail"],
    ["a Cilium agent that is down fails", aNode().cilium("down"), "Fail"],
    ["a lost GPU fails", aNode().gpu(8, { allocatable: 7 }), "Fail"],
  ])("%s", (_what, node, verdict) => {
    expect(evaluate(node.snapshot(), checkers, history).verdict).toBe(verdict);
  });

  test("a node in its start-up grace is undecided, whatever else fails", () => {
    const node = aNode().notReady().diskPressure().cilium("down").snapshot();
    const young = { ...history, everReady: false, at: bornAt + MINUTE };
    expect(evaluate(node, checkers, young).verdict).toBe("Undecided");
    expect(evaluate(node, checkers, { ...young, at: bornAt + 10 * MINUTE }).verdict).toBe("Fail");
    expect(evaluate(aNode().diskPressure().snapshot(), checkers, young).verdict).toBe("Fail");
  });

  test("without checkers every node passes", () => {
    expect(evaluate(aNode().notReady().snapshot(), [], history)).toMatchObject({
      verdict: "Pass",
      judgements: [],
    });
  });

  test("one failure fails the node, skips decide nothing", () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom<CheckVerdict>("Pass", "Fail", "Skip")), (verdicts) => {
        const { verdict } = evaluate(aNode().snapshot(), verdicts.map(saying), history);
        expect(verdict).toBe(verdicts.includes("Fail") ? "Fail" : "Pass");
      }),
    );
  });

  test("each judgement carries what its failure would mean", () => {
    expect(evaluate(aNode().snapshot(), checkers, history).judgements).toEqual([
      {
        checker: "NodeReady",
        verdict: "Pass",
        reason: "KubeletReady",
        threshold: 5 * MINUTE,
        action: "Reboot",
      },
      { checker: "GPU", verdict: "Skip", reason: "NonGPUNode", threshold: 10 * MINUTE, action: "Reboot" },
      {
        checker: "DiskPressure",
        verdict: "Pass",
        reason: "KubeletHasNoDiskPressure",
        threshold: 30 * MINUTE,
        action: "Reboot",
      },
      { checker: "Cilium", verdict: "Skip", reason: "NoCilium", threshold: 10 * MINUTE, action: "Reboot" },
    ]);
  });

  test("readiness and GPUs are learned even when no checker looks at them", () => {
    const node = aNode().gpu(8);
    expect(evaluate(node.snapshot(), [], history)).toMatchObject({ ready: true, gpuNode: true, gpuUnits: 8 });
    expect(evaluate(node.unknown().snapshot(), [], history)).toMatchObject({ ready: false, gpuNode: true });
    expect(evaluate(aNode().snapshot(), [], history)).toMatchObject({ gpuNode: false, gpuUnits: 0 });
  });
});
