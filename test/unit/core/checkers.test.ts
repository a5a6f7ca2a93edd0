import { describe, expect, test } from "vitest";

import { CHECKER_NAMES, type CheckResult, type NodeHistory } from "@node-agent/shared/core/check.ts";
import { checkCilium } from "@node-agent/shared/core/checkers/cilium.ts";
import { checkDiskPressure } from "@node-agent/shared/core/checkers/disk-pressure.ts";
import { checkNodeReady } from "@node-agent/shared/core/checkers/node-ready.ts";
import { CHECKER_REASONS, createCheckers } from "@node-agent/shared/core/checkers/registry.ts";
import { DEFAULT_POLICY } from "@node-agent/shared/core/policy.ts";
import { MINUTE } from "@node-agent/shared/core/time.ts";
import { aNode, type NodeBuilder } from "@node-agent/shared/testing/builders.ts";

const bornAt = Date.UTC(2026, 0, 1);
const seasoned: NodeHistory = {
  at: bornAt + 1000 * MINUTE,
  firstSeenAt: bornAt,
  everReady: true,
  gpuNode: false,
  gpuHighWater: 0,
};

const check = (node: NodeBuilder, history: Partial<NodeHistory> = {}): CheckResult =>
  checkNodeReady(node.snapshot(), { ...seasoned, ...history }, 10 * MINUTE);

describe("NodeReady", () => {
  test.each<[string, NodeBuilder, string, string]>([
    ["True", aNode(), "Pass", "KubeletReady"],
    ["True with another reason", aNode().condition("Ready", "True", "X"), "Pass", "OtherReady"],
    ["False", aNode().notReady(), "Fail", "KubeletNotReady"],
    ["False with another reason", aNode().notReady("KubeletReady"), "Fail", "OtherNotReady"],
    ["Unknown", aNode().unknown(), "Fail", "NodeStatusUnknown"],
    ["never posted", aNode().unknown("NodeStatusNeverUpdated"), "Fail", "NodeStatusNeverUpdated"],
    ["Unknown with another reason", aNode().unknown("constructor"), "Fail", "OtherUnknown"],
    ["missing", aNode().withoutCondition("Ready"), "Fail", "ReadyConditionMissing"],
    ["an odd status", aNode().condition("Ready", "true", "KubeletReady"), "Fail", "OtherUnknown"],
  ])("Ready %s", (_what, node, verdict, reason) => {
    expect(check(node)).toEqual({ verdict, reason });
  });

  const young = { everReady: false, firstSeenAt: bornAt + 2 * MINUTE };

  test.each([aNode().unregistered(), aNode().notReady(), aNode().unknown()])(
    "a node never seen Ready is left alone until the start-up grace since its creation is over",
    (node) => {
      expect(check(node, { ...young, at: bornAt + 10 * MINUTE - 1 }).reason).toBe("StartupGrace");
      expect(check(node, { ...young, at: bornAt + 10 * MINUTE }).verdict).toBe("Fail");
    },
  );

  test("a node that was Ready once has no grace left", () => {
    expect(check(aNode().notReady(), { at: bornAt + MINUTE }).verdict).toBe("Fail");
  });

  test("a node that is Ready passes within its grace", () => {
    expect(check(aNode(), { ...young, at: bornAt + 3 * MINUTE }).verdict).toBe("Pass");
  });

  test("a creation time in the future does not stretch the grace", () => {
    const node = aNode()
      .createdAt(bornAt + 10_000 * MINUTE)
      .notReady();
    expect(check(node, { ...young, at: bornAt + 11 * MINUTE }).reason).toBe("StartupGrace");
    expect(check(node, { ...young, at: bornAt + 12 * MINUTE }).verdict).toBe("Fail");
  });
});

describe("DiskPressure", () => {
  test.each<[string, NodeBuilder, string, string]>([
    ["True fails", aNode().diskPressure(), "Fail", "KubeletHasDiskPressure"],
    ["False passes", aNode(), "Pass", "KubeletHasNoDiskPressure"],
    ["Unknown is neither pressure nor recovery", aNode().unknown(), "Skip", "DiskPressureUnknown"],
    ["missing is not judged", aNode().withoutCondition("DiskPressure"), "Skip", "DiskPressureMissing"],
    [
      "the reason's text decides nothing",
      aNode().condition("DiskPressure", "False", "KubeletHasDiskPressure"),
      "Pass",
      "KubeletHasNoDiskPressure",
    ],
  ])("%s", (_what, node, verdict, reason) => {
    expect(checkDiskPressure(node.snapshot())).toEqual({ verdict, reason });
  });
});

const network = (status: string, reason: string): NodeBuilder =>
  aNode().condition("NetworkUnavailable", status, reason);

test("Cilium with another taint key is judged by that key", () => {
  const ciliumTaint = "ignore-taint.cluster-autoscaler.kubernetes.io/cilium";
  const checker = createCheckers({ ...DEFAULT_POLICY, ciliumTaint }).find(({ name }) => name === "Cilium");
  if (checker === undefined) throw new Error("the policy enables Cilium");
  const node = aNode().cilium().taint("ignore-taint.cluster-autoscaler.kubernetes.io/cilium");
  expect(checker.check(node.snapshot(), seasoned)).toEqual({
    verdict: "Fail",
    reason: "CiliumAgentNotReady",
  });
  expect(checker.check(aNode().cilium("down").snapshot(), seasoned).verdict).not.toBe("Fail");
});

describe("Cilium", () => {
  test.each<[string, NodeBuilder, string, string]>([
    ["up", aNode().cilium(), "Pass", "CiliumIsUp"],
    ["the operator's taint", aNode().cilium("down"), "Fail", "CiliumAgentNotReady"],
    [
      "the taint, where no condition tells the CNI",
      aNode().withoutCondition("NetworkUnavailable").taint("node.cilium.io/agent-not-ready", "NoExecute"),
      "Fail",
      "CiliumAgentNotReady",
    ],
    ["True with a Cilium reason", network("True", "CiliumIsDown"), "Fail", "CiliumNetworkUnavailable"],
    ["Unknown with a Cilium reason", network("Unknown", "CiliumIsUp"), "Fail", "CiliumNetworkUnavailable"],
    ["another CNI", network("True", "CalicoIsDown"), "Skip", "NoCilium"],
    ["no CNI condition", aNode().withoutCondition("NetworkUnavailable"), "Skip", "NoCilium"],
    [
      "the taint left over, while Flannel runs the network",
      network("False", "FlannelIsUp").taint("node.cilium.io/agent-not-ready"),
      "Skip",
      "OtherCNI",
    ],
    [
      "the taint left over, while Calico fails to run the network",
      network("True", "CalicoIsDown").taint("node.cilium.io/agent-not-ready"),
      "Skip",
      "OtherCNI",
    ],
    [
      "the taint beside the route controller's condition, which stands on Cilium nodes too",
      network("False", "RouteCreated").taint("node.cilium.io/agent-not-ready"),
      "Fail",
      "CiliumAgentNotReady",
    ],
    ["another taint of Cilium", aNode().taint("node.cilium.io/other"), "Skip", "NoCilium"],
  ])("%s", (_what, node, verdict, reason) => {
    expect(checkCilium(node.snapshot(), "node.cilium.io/agent-not-ready")).toEqual({ verdict, reason });
  });
});

describe("createCheckers", () => {
  test("builds the enabled checkers with threshold and action of the policy, in the order of reports", () => {
    const policy = {
      ...DEFAULT_POLICY,
      checkers: {
        ...DEFAULT_POLICY.checkers,
        GPU: { enabled: false, threshold: MINUTE, action: "Reboot" as const },
        Cilium: { enabled: true, threshold: 7 * MINUTE, action: "None" as const },
      },
    };
    expect(createCheckers(policy).map(({ name, threshold, action }) => [name, threshold, action])).toEqual([
      ["NodeReady", 5 * MINUTE, "Reboot"],
      ["DiskPressure", 30 * MINUTE, "Reboot"],
      ["Cilium", 7 * MINUTE, "None"],
    ]);
  });

  test("every reason is PascalCase and declared once: it becomes a metric label", () => {
    for (const name of CHECKER_NAMES) {
      const reasons = CHECKER_REASONS[name];
      expect(new Set(reasons).size).toBe(reasons.length);
      for (const reason of reasons) expect(reason).toMatch(/^[A-Z][A-Za-z]+$/);
    }
  });

  test("the seed's GPU reasons are still there", () => {
    expect(CHECKER_REASONS.GPU).toEqual(
      expect.arrayContaining(["GPUCountMatch", "GPUCountMismatch", "NoAllocatableGPU", "NonGPUNode"]),
    );
  });
});
