import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { CheckResult, NodeHistory } from "@node-agent/shared/core/check.ts";
import { gpuLesson } from "@node-agent/shared/core/checkers/gpu-memory.ts";
import { checkGpu } from "@node-agent/shared/core/checkers/gpu.ts";
import { MINUTE } from "@node-agent/shared/core/time.ts";
import { aNode, type NodeBuilder } from "@node-agent/shared/testing/builders.ts";

import { gpuLayout, healthyLayout } from "./gpu-layouts.ts";

const bornAt = Date.UTC(2026, 0, 1);
const at = bornAt + 1000 * MINUTE;

function check(
  node: NodeBuilder,
  history: Partial<NodeHistory> = {},
  expectedGpus: Record<string, number> = {},
): CheckResult {
  return checkGpu(node.snapshot(), { ...NONE, ...history }, { startupGrace: 10 * MINUTE, expectedGpus });
}

const NONE: NodeHistory = { at, firstSeenAt: bornAt, everReady: true, gpuNode: false, gpuHighWater: 0 };

/** What the history holds after these snapshots, one after the other. */
function learned(...nodes: readonly NodeBuilder[]): NodeHistory {
  let history = NONE;
  for (const node of nodes) history = after(history, node);
  return history;
}

function after(history: NodeHistory, node: NodeBuilder): NodeHistory {
  const { gpuNode, gpuForgotten, gpuUnits, gpu } = gpuLesson(node.snapshot(), history);
  const gpuHighWater = gpuForgotten ? 0 : Math.max(history.gpuHighWater, gpuUnits);
  return { ...history, gpuNode: history.gpuNode || gpuNode, gpuHighWater, gpu };
}

const provenGpus = (node: NodeBuilder): number => gpuLesson(node.snapshot(), NONE).gpuUnits;

const had8 = { gpuNode: true, gpuHighWater: 8 };
const bare = aNode();

describe("no lost GPU passes", () => {
  test.each<[string, NodeBuilder, Partial<NodeHistory>, string]>([
    ["all devices unhealthy", bare.resource("nvidia.com/gpu", 16, 0), {}, "NoAllocatableGPU"],
    ["2 of 3 usable after an Xid", bare.gpu(3, { allocatable: 2 }), {}, "GPUCountMismatch"],
    ["the plugin came back with 7 of 8", bare.gpu(7), had8, "GPUCountMismatch"],
    [
      "the plugin is gone for 5 minutes: 0 of 0, and GFD sees 8",
      bare.gpu(8).resource("nvidia.com/gpu", 0),
      had8,
      "NoAllocatableGPU",
    ],
    [
      "the key itself vanished, and GFD sees 8",
      bare.gpu(8).withoutResource("nvidia.com/gpu"),
      had8,
      "NoAllocatableGPU",
    ],
    ["GFD sees 8, the plugin 7", bare.gpu(8).resource("nvidia.com/gpu", 7), {}, "GPUCountMismatch"],
    [
      "GFD sees 8, nothing is left, and we never saw more",
      bare.gpu(8).resource("nvidia.com/gpu", 0),
      {},
      "NoAllocatableGPU",
    ],
    ["allocatable is missing", bare.resource("nvidia.com/gpu", 8, ""), {}, "NoAllocatableGPU"],
    [
      "one MIG instance unhealthy that GFD still sees",
      bare
        .resource("nvidia.com/mig-1g.5gb", 7)
        .resource("nvidia.com/mig-3g.20gb", 1, 0)
        .labels({ "nvidia.com/mig-1g.5gb.count": "7", "nvidia.com/mig-3g.20gb.count": "1" }),
      {},
      "GPUCountMismatch",
    ],
    ["one shared unit unhealthy", bare.resource("nvidia.com/gpu.shared", 80, 70), {}, "GPUCountMismatch"],
    ["1k units are 1000", bare.resource("nvidia.com/gpu.shared", "1k", "999"), {}, "GPUCountMismatch"],
    [
      "the only resource at 0, and GFD does not see it either",
      bare.gpu(1).resource("nvidia.com/mig-1g.5gb", 7, 0).withoutResource("nvidia.com/gpu"),
      {},
      "NoAllocatableGPU",
    ],
    [
      "every MIG profile at 0, GFD blind: no other device vouches",
      bare.gpu(1).resource("nvidia.com/gpu", 0).resource("nvidia.com/mig-1g.5gb", 7, 0),
      {},
      "NoAllocatableGPU",
    ],
  ])("%s", (_what, node, history, reason) => {
    expect(check(node, history)).toEqual({ verdict: "Fail", reason });
  });

  test("a node whose labels prove a plain layout fails when fewer are usable than were ever proven", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 16 }), fc.integer({ min: 1, max: 15 }), (had, left) => {
        fc.pre(left < had);
        expect(check(bare.gpu(left), learned(bare.gpu(had))).verdict).toBe("Fail");
      }),
    );
  });

  test("no node fails because a count changed that no label explains", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 128 }), fc.nat(128), (had, left) => {
        const before = learned(bare.resource("nvidia.com/gpu", had));
        const { verdict, reason } = check(bare.resource("nvidia.com/gpu", left), before);
        expect(`${verdict} ${reason}`).toBe(left < had ? "Skip GPULayoutUnknown" : "Pass GPUCountMatch");
      }),
    );
  });

  test("fewer allocatable than capacity fails in every layout", () => {
    fc.assert(
      fc.property(healthyLayout, fc.nat(), (layout, pick) => {
        const offered = layout.resources.filter(({ units }) => units > 1);
        fc.pre(offered.length > 0);
        const broken = offered[pick % offered.length];
        if (broken === undefined) return;
        const node = gpuLayout(bare, layout).resource(broken.name, broken.units, broken.units - 1);
        expect(check(node).verdict).toBe("Fail");
      }),
    );
  });
});

describe("no healthy node fails", () => {
  test("whatever the layout (plain, MIG single, MIG mixed, time-slicing, MPS, renamed, partly shared)", () => {
    fc.assert(
      fc.property(healthyLayout, (layout) => {
        const node = gpuLayout(bare, layout);
        expect(check(node).verdict).not.toBe("Fail");
        expect(check(node, learned(node)).verdict).not.toBe("Fail");
      }),
    );
  });

  test("however often the same GPUs are divided anew, with whatever the history learned on the way", () => {
    fc.assert(
      fc.property(fc.array(healthyLayout, { minLength: 1, maxLength: 8 }), (layouts) => {
        const gpus = layouts[0]?.gpus ?? 1;
        // Only layouts of the same machine: a GPU that is lost for good is another test.
        const nodes = layouts.filter((one) => one.gpus === gpus).map((layout) => gpuLayout(bare, layout));
        for (const [i, node] of nodes.entries()) {
          const history = learned(...nodes.slice(0, i));
          expect(check(node, history)).not.toMatchObject({ verdict: "Fail" });
          expect(history.gpuHighWater).toBeLessThanOrEqual(gpus);
        }
      }),
    );
  });

  test.each<[string, NodeBuilder]>([
    ["time-slicing turned off again", bare.gpu(8)],
    [
      "within 5 minutes of MIG turned off, stale profiles still counted",
      bare.gpu(8).resource("nvidia.com/mig-1g.5gb", 56, 0),
    ],
    ["within 5 minutes of sharing turned off", bare.gpu(8).resource("nvidia.com/gpu.shared", 80, 0)],
    [
      "within 5 minutes of sharing under the other name",
      bare
        .gpu(8, { allocatable: 0 })
        .resource("nvidia.com/gpu.shared", 80)
        .labels({ "nvidia.com/gpu.sharing-strategy": "time-slicing", "nvidia.com/gpu.replicas": "10" }),
    ],
    [
      "within 5 minutes of all GPUs turned to MIG",
      bare
        .gpu(8, { allocatable: 0 })
        .resource("nvidia.com/mig-1g.5gb", 56)
        .labels({ "nvidia.com/gpu.replicas": "0", "nvidia.com/mig-1g.5gb.count": "56" }),
    ],
    [
      "all GPUs in MIG mode, no instance made yet",
      bare
        .gpu(8)
        .resource("nvidia.com/gpu", 0)
        .labels({ "nvidia.com/gpu.replicas": "0", "nvidia.com/mig.strategy": "mixed" }),
    ],
    ["a quantity that is none", bare.gpu(8).resource("nvidia.com/gpu", "many", "few")],
    ["other NVIDIA resources", bare.gpu(8).resource("nvidia.com/hostdev", 4, 1)],
    ["a count label that is no number", bare.gpu(8).label("nvidia.com/gpu.count", "0x10")],
    ["more than expected", bare.gpu(16)],
  ])("%s", (_what, node) => {
    expect(check(node, had8).verdict).not.toBe("Fail");
  });

  test("GFD labels without a device plugin are no data to judge by", () => {
    const node = bare.labels({ "nvidia.com/gpu.count": "8", "nvidia.com/gpu.present": "true" });
    expect(check(node, { gpuNode: true })).toEqual({ verdict: "Skip", reason: "NoGPUResource" });
  });

  test("a node without any sign of a GPU is skipped", () => {
    expect(check(bare)).toEqual({ verdict: "Skip", reason: "NonGPUNode" });
  });
});

describe("planned work suspends the check", () => {
  const lost = bare.gpu(8, { allocatable: 0 });

  test.each<[string, string, string]>([
    ["nvidia.com/gpu-driver-upgrade-state", "pod-restart-required", "DriverUpgrade"],
    ["nvidia.com/gpu-driver-upgrade-state", "uncordon-required", "DriverUpgrade"],
    ["nvidia.com/gpu-driver-upgrade-state", "upgrade-failed", "DriverUpgradeFailed"],
    ["nvidia.com/mig.config.state", "pending", "MIGReconfiguration"],
    ["nvidia.com/mig.config.state", "rebooting", "MIGReconfiguration"],
    ["nvidia.com/mig.config.state", "failed", "MIGReconfigurationFailed"],
    ["nvidia.com/gpu.product", "NVIDIA-A100-SXM4-40GB-MIG-INVALID", "MIGLayoutInvalid"],
    ["nvidia.com/gpu.deploy.device-plugin", "paused-for-mig-change", "MIGReconfiguration"],
    ["nvidia.com/gpu.deploy.device-plugin", "paused-for-driver-upgrade", "DriverUpgrade"],
    ["nvidia.com/gpu.deploy.device-plugin", "false", "DevicePluginNotDeployed"],
    ["nvidia.com/gpu.workload.config", "vm-passthrough", "VMWorkload"],
  ])("%s = %s", (label, value, reason) => {
    expect(check(lost.label(label, value), had8)).toEqual({ verdict: "Skip", reason });
  });

  test.each([
    ["nvidia.com/gpu-driver-upgrade-state", "upgrade-done"],
    ["nvidia.com/gpu-driver-upgrade-state", "upgrade-required"],
    ["nvidia.com/gpu-driver-upgrade-state", ""],
    ["nvidia.com/mig.config.state", "success"],
    ["nvidia.com/gpu.deploy.device-plugin", "true"],
    ["nvidia.com/gpu.workload.config", "container"],
  ])("%s = %j does not", (label, value) => {
    expect(check(lost.label(label, value), had8).verdict).toBe("Fail");
  });

  test("units that are in motion are not learned as GPUs", () => {
    const node = bare.gpu(56).label("nvidia.com/mig.config.state", "pending");
    expect(provenGpus(node)).toBe(1);
  });
});

describe("the pool's configured number", () => {
  test("stands above what was ever seen", () => {
    expect(check(bare.gpu(7), {}, { "pool-1": 8 })).toMatchObject({ verdict: "Fail" });
    expect(check(bare.gpu(7), had8, { "pool-1": 7 })).toMatchObject({ verdict: "Pass" });
  });

  test("makes a node without GPUs fail once it had time to start", () => {
    const expected = { "pool-1": 8 };
    expect(check(bare, { firstSeenAt: bornAt, at: bornAt + 5 * MINUTE }, expected).reason).toBe("GPUStartup");
    expect(check(bare, {}, expected)).toEqual({ verdict: "Fail", reason: "NoAllocatableGPU" });
  });

  test.each(["constructor", "__proto__", "toString", "pool-2"])("a pool named %s has none", (pool) => {
    expect(check(bare.pool(pool), {}, { "pool-1": 8 })).toEqual({ verdict: "Skip", reason: "NonGPUNode" });
  });
});

describe("what the history learns", () => {
  test.each<[string, NodeBuilder, boolean, number]>([
    ["a plain node", bare.gpu(8), true, 8],
    ["capacity, not what is usable now", bare.gpu(8, { allocatable: 2 }), true, 8],
    [
      "a plugin without GFD proves one: nothing tells the layout",
      bare.resource("nvidia.com/gpu", 12),
      true,
      1,
    ],
    ["slices prove one GPU", bare.resource("nvidia.com/gpu.shared", 128), true, 1],
    [
      "units of a node labelled as time-sliced",
      bare.resource("nvidia.com/gpu", 80).label("nvidia.com/gpu.sharing-strategy", "time-slicing"),
      true,
      1,
    ],
    [
      "units of a node labelled with replicas",
      bare.resource("nvidia.com/gpu", 80).label("nvidia.com/gpu.replicas", "10"),
      true,
      1,
    ],
    [
      "units of a node labelled with MIG instances",
      bare.resource("nvidia.com/gpu", 56).label("nvidia.com/mig-1g.5gb.count", "56"),
      true,
      1,
    ],
    [
      "more units than GFD sees GPUs: slices not labelled yet",
      bare.gpu(8).resource("nvidia.com/gpu", 80),
      true,
      8,
    ],
    ["labels alone", bare.label("nvidia.com/gpu.count", "8"), true, 0],
    ["a key that reads 0", bare.resource("nvidia.com/gpu", 0), true, 0],
    ["the autoscaler's label", bare.label("civo.com/gpu-node", "true"), true, 0],
    ["the autoscaler's label, off", bare.label("civo.com/gpu-node", "false"), false, 0],
    ["no GPU", bare, false, 0],
    ["a network device", bare.resource("nvidia.com/hostdev", 4), false, 0],
  ])("%s", (_what, node, gpuNode, gpus) => {
    expect(gpuLesson(node.snapshot(), NONE)).toMatchObject({ gpuNode, gpuUnits: gpus });
  });
});
