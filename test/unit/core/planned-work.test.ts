import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createCheckers } from "@node-agent/shared/core/checkers/registry.ts";
import {
  isWork,
  PLANNED_WORK_MARKS,
  workState,
  type WorkState,
} from "@node-agent/shared/core/planned-work.ts";
import { countRecords } from "@node-agent/shared/core/record-gauges.ts";
import { recordSchema } from "@node-agent/shared/contract/stored.ts";
import { fleetNode } from "@node-agent/shared/core/storm/fleet-node.ts";
import { fleetHealth } from "@node-agent/shared/core/storm/fleet.ts";
import { HOUR, MINUTE, SECOND } from "@node-agent/shared/core/time.ts";
import { aNode, type NodeBuilder } from "@node-agent/shared/testing/builders.ts";
import { NodeLife } from "./node-life.ts";
import { ACTIVE, NOON } from "./timeline.ts";

const MIG = "nvidia.com/mig.config.state";
const DRIVER = "nvidia.com/gpu-driver-upgrade-state";
const PLUGIN = "nvidia.com/gpu.deploy.device-plugin";
const MCO = "machineconfiguration.openshift.io/state";

function marked(node: NodeBuilder, key: string, value: string): NodeBuilder {
  const at = PLANNED_WORK_MARKS.find((mark) => mark.key === key)?.at;
  if (at === "taint") return node.taint(key, "NoSchedule", value);
  return at === "annotation" ? node.annotation(key, value) : node.label(key, value);
}

const WELL = aNode().gpu(8);
const DEAD = aNode().gpu(8).unknown();

/** [key, value, what it says], every value that any source writes. */
const VALUES: readonly (readonly [string, string, WorkState])[] = [
  ...[DRIVER, "nvidia.com/ofed-driver-upgrade-state"].flatMap((key) =>
    (
      [
        ["upgrade-required", "Waits"],
        ["cordon-required", "InProgress"],
        ["wait-for-jobs-required", "InProgress"],
        ["pod-deletion-required", "InProgress"],
        ["drain-required", "InProgress"],
        ["node-maintenance-required", "InProgress"],
        ["post-maintenance-required", "InProgress"],
        ["pod-restart-required", "InProgress"],
        ["validation-required", "InProgress"],
        ["uncordon-required", "InProgress"],
        ["upgrade-done", "Over"],
        ["upgrade-failed", "Failed"],
        ["", "Over"],
        ["rollback-required", "Unknown"],
      ] as const
    ).map(([value, state]) => [key, value, state] as const),
  ),
  [MIG, "pending", "InProgress"],
  [MIG, "rebooting", "InProgress"],
  [MIG, "success", "Over"],
  [MIG, "failed", "Failed"],
  [MIG, "draining", "Unknown"],
  [PLUGIN, "paused-for-mig-change", "InProgress"],
  [PLUGIN, "paused-for-driver-upgrade", "InProgress"],
  [PLUGIN, "paused-for-vgpu-change", "InProgress"],
  [PLUGIN, "paused-for-tea", "Unknown"],
  [PLUGIN, "true", "Over"],
  [PLUGIN, "false", "Over"],
  ["operator.amd.com/gpu-driver-upgrade-state", "upgrade-required", "Waits"],
  ["operator.amd.com/gpu-driver-upgrade-state", "other", "Unknown"],
  ["amd-gpu-driver-upgrade", "true", "InProgress"],
  ["amd-gpu-driver-upgrade", "", "InProgress"],
  [MCO, "Done", "Over"],
  [MCO, "Working", "InProgress"],
  [MCO, "Rebooting", "InProgress"],
  [MCO, "Degraded", "Failed"],
  [MCO, "Unreconcilable", "Failed"],
];

describe("the marks of planned work", () => {
  test.each(VALUES)("%s=%s holds a dead node only while work is in progress: %s", (key, value, state) => {
    const life = new NodeLife().sees(WELL).sees(marked(DEAD, key, value), 10 * MINUTE);
    expect(life.gate("Threshold").open).toBe(true);
    expect(life.gate("PlannedWork").open).toBe(!isWork(state));
  });

  test("every mark is in the table above, with each of its values", () => {
    for (const { key, values } of PLANNED_WORK_MARKS) {
      const tested = VALUES.filter(([mark]) => mark === key).map(([, value]) => value);
      expect(tested, key).toEqual(expect.arrayContaining(Object.keys(values)));
    }
  });

  test("all stay in a snapshot whose labels and annotations burst every budget", () => {
    let node = aNode();
    for (const { key, values } of PLANNED_WORK_MARKS) node = marked(node, key, Object.keys(values)[0] ?? "x");
    for (let i = 0; i < 40; i += 1) {
      node = node.label(`nvidia.com/mig-${i}g.5gb.count`, "1").taint(`other.io/${"t".repeat(60)}-${i}`);
      node = node.annotation(`node-agent.civo.com/n-${i}`, "v".repeat(200));
    }
    const { labels, annotations, taints } = node.snapshot();
    const kept = new Set([
      ...Object.keys(labels),
      ...Object.keys(annotations),
      ...taints.map(({ key }) => key),
    ]);
    for (const { key } of PLANNED_WORK_MARKS) expect(kept).toContain(key);
  });
});

describe("planned work in progress", () => {
  const rebooting = DEAD.label(MIG, "rebooting");

  test("holds every checker until an hour after it was first seen, and names that end and its owner", () => {
    const life = new NodeLife().sees(WELL).sees(rebooting, 30 * MINUTE);
    expect(life.gate("PlannedWork")).toEqual({
      gate: "PlannedWork",
      open: false,
      ends: true,
      why: `the MIG reconfiguration by the NVIDIA MIG manager is in progress (label ${MIG}=rebooting)`,
      until: NOON + HOUR,
    });
    expect(life.notices).not.toContain("PlannedWorkStuck");
  });

  test("is stuck after that: it opens, is told once, and says whom to ask", () => {
    const life = new NodeLife().sees(WELL).sees(rebooting, 3 * HOUR);
    expect(life.gate("PlannedWork")).toMatchObject({
      open: true,
      why: /it is stuck, ask the NVIDIA MIG manager$/u,
    });
    expect(life.notices.filter((reason) => reason === "PlannedWorkStuck")).toHaveLength(1);
    expect(life.messages.join()).toMatch(
      /mig\.config\.state=rebooting.* since 2026-11-23T12:00:00Z.*Ask the NVIDIA MIG manager/u,
    );
    expect(life.gate("Threshold").open).toBe(true);
  });

  test("keeps its age while it walks through its states, and over the object's other changes", () => {
    const states = ["cordon-required", "drain-required", "pod-restart-required", "validation-required"];
    const life = new NodeLife().sees(WELL.label(DRIVER, "upgrade-required"), 5 * HOUR);
    const began = life.now + MINUTE;
    life.now = began;
    for (const state of states) life.sees(DEAD.label(DRIVER, state), 10 * MINUTE);
    expect(life.record?.marks?.[DRIVER]).toMatchObject({ since: began });
    expect(life.gate("PlannedWork").until).toBe(began + HOUR);
  });

  test("of a value that is not known holds for the same time, and says that it is not known", () => {
    const life = new NodeLife().sees(WELL).sees(DEAD.label(MIG, "paused-by-aliens"), 20 * MINUTE);
    expect(life.gate("PlannedWork")).toMatchObject({ open: false, why: /a state that is not known/u });
    life.sees(DEAD.label(MIG, "paused-by-aliens"), HOUR);
    expect(life.gate("PlannedWork").open).toBe(true);
  });

  test("that ends is over at once, and the thresholds of checkers that still fail start again", () => {
    const life = new NodeLife()
      .sees(WELL)
      .sees(rebooting, 20 * MINUTE)
      .sees(DEAD.label(MIG, "success"));
    expect(life.gate("PlannedWork").open).toBe(true);
    expect(life.gate("Threshold")).toMatchObject({ open: false, until: life.now + 5 * MINUTE });
    life.sees(DEAD.label(MIG, "success"), 5 * MINUTE);
    expect(life.gate("Threshold").open).toBe(true);
  });

  test("wakes the pending repair when it ends, which sleeps until the latest end of the work", () => {
    const life = new NodeLife()
      .sees(WELL)
      .sees(rebooting, 20 * MINUTE)
      .sees(DEAD.label(MIG, "success"));
    expect(life.actions).toEqual([
      { type: "EnsureReboot", at: life.now + 5 * MINUTE },
      { type: "WakeReboot" },
    ]);
  });

  test("of two kinds is asked again when the first of them has to end", () => {
    const life = new NodeLife().sees(WELL).sees(rebooting, 30 * MINUTE);
    life.sees(rebooting.label(PLUGIN, "paused-for-mig-change"));
    expect(life.gate("PlannedWork").until).toBe(NOON + HOUR);
    life.sees(rebooting.label(PLUGIN, "paused-for-mig-change"), 40 * MINUTE);
    expect(life.gate("PlannedWork")).toMatchObject({ open: false, until: NOON + 90 * MINUTE });
  });

  test("that was stuck restarts nothing when it ends", () => {
    const life = new NodeLife()
      .sees(WELL)
      .sees(rebooting, 2 * HOUR)
      .sees(DEAD.label(MIG, "success"));
    expect(life.gate("Threshold").open).toBe(true);
  });

  test("that begins again within ten minutes keeps its age; after that it is new work", () => {
    const flapping = new NodeLife().sees(WELL);
    for (let i = 0; i < 10; i += 1) {
      flapping.sees(DEAD.label(PLUGIN, "paused-for-driver-upgrade"), 5 * MINUTE);
      flapping.sees(DEAD.label(PLUGIN, "true"), 5 * MINUTE);
    }
    flapping.sees(DEAD.label(PLUGIN, "paused-for-driver-upgrade"), MINUTE);
    expect(flapping.gate("PlannedWork").open).toBe(true);
    expect(flapping.notices.filter((reason) => reason === "PlannedWorkStuck")).toHaveLength(1);

    const again = new NodeLife().sees(rebooting, 2 * HOUR).sees(WELL.label(MIG, "success"), 11 * MINUTE);
    again.sees(rebooting, 10 * MINUTE);
    expect(again.gate("PlannedWork").open).toBe(false);
  });

  test("leaves nothing in the record of a node once it is over for a while", () => {
    const life = new NodeLife()
      .sees(WELL.label(MIG, "pending"), MINUTE)
      .sees(WELL.label(MIG, "success"), HOUR);
    expect(life.record).not.toHaveProperty("marks");
  });

  test("is not made younger by a forged time of the future", () => {
    const life = new NodeLife().sees(rebooting, 10 * MINUTE);
    const { record } = life;
    if (record === undefined) throw new Error("no record");
    life.record = { ...record, marks: { [MIG]: { value: "rebooting", since: life.now + 1000 * HOUR } } };
    life.sees(rebooting);
    expect(life.gate("PlannedWork").until).toBe(life.now + HOUR);
    life.sees(rebooting, HOUR);
    expect(life.gate("PlannedWork").open).toBe(true);
  });

  test("makes records that can be read back, and judging again changes nothing", () => {
    const life = new NodeLife()
      .sees(WELL)
      .sees(rebooting, 10 * MINUTE)
      .sees(DEAD.label(MIG, "success").cordoned());
    expect(recordSchema.parse(life.record)).toEqual(life.record);
    const bytes = JSON.stringify(life.record);
    expect(JSON.stringify(life.sees(DEAD.label(MIG, "success").cordoned()).record)).toBe(bytes);
  });
});

describe("the GPU checker", () => {
  const lost = aNode().gpu(8, { allocatable: 6 });

  test("skips while work is in progress, and judges when it is stuck", () => {
    const life = new NodeLife().sees(WELL).sees(lost.label(MIG, "pending"), 50 * MINUTE);
    expect(life.verdicts["GPU"]).toBe("Skip:MIGReconfiguration");
    life.sees(lost.label(MIG, "pending"), 20 * MINUTE);
    expect(life.verdicts["GPU"]).toBe("Fail:GPUCountMismatch");
    expect(life.gate("Threshold").open).toBe(true);
  });

  test("is not suspended by an upgrade that waits for its turn", () => {
    const life = new NodeLife().sees(WELL).sees(lost.label(DRIVER, "upgrade-required"), 10 * MINUTE);
    expect(life.verdicts["GPU"]).toBe("Fail:GPUCountMismatch");
    expect([life.gate("Threshold").open, life.gate("PlannedWork").open]).toEqual([true, true]);
  });

  test("skips after failed work for as long as for work, and no longer", () => {
    const life = new NodeLife().sees(WELL).sees(lost.label(DRIVER, "upgrade-failed"), 50 * MINUTE);
    expect(life.verdicts["GPU"]).toBe("Skip:DriverUpgradeFailed");
    expect(life.sees(lost.label(DRIVER, "upgrade-failed"), HOUR).verdicts["GPU"]).toBe(
      "Fail:GPUCountMismatch",
    );
  });

  test("is not suspended for good by a device plugin that is paused for good", () => {
    const life = new NodeLife().sees(WELL).sees(lost.label(PLUGIN, "paused-for-mig-change"), 2 * HOUR);
    expect(life.verdicts["GPU"]).toBe("Fail:GPUCountMismatch");
  });
});

describe("a fleet with planned work", () => {
  const rules = { policy: ACTIVE, checkers: createCheckers(ACTIVE), selected: true };

  test("lists the nodes that are worked on, and counts none of them as failing", () => {
    const nodes = Array.from({ length: 20 }, (_, i) => {
      const node =
        i < 8 ? aNode(`gpu-${i}`).gpu(8).unknown().label(DRIVER, "drain-required") : aNode(`n-${i}`);
      return fleetNode(node.snapshot(), undefined, rules, NOON);
    });
    expect(fleetHealth(nodes)).toMatchObject({ nodes: 20, sick: [] });
  });

  test("counts a node whose work is stuck", () => {
    const life = new NodeLife().sees(DEAD.label(MIG, "rebooting"), 2 * HOUR);
    const node = fleetNode(DEAD.label(MIG, "rebooting").snapshot(), life.record, rules, life.now);
    expect(Object.keys(node.failing)).toEqual(["NodeReady"]);
  });
});

function workGauges({ record }: NodeLife) {
  return countRecords(record === undefined ? [] : [record]).filter(
    ({ gauge }) => gauge === "plannedWorkNodes",
  );
}

test("the gauge of nodes with planned work tells held from stuck", () => {
  const life = new NodeLife().sees(DEAD.label(MIG, "rebooting"), MINUTE);
  expect(workGauges(life)).toMatchObject([{ labels: { mark: MIG, state: "held" }, count: 1 }]);
  life.sees(DEAD.label(MIG, "rebooting"), 2 * HOUR);
  expect(workGauges(life)).toMatchObject([{ labels: { mark: MIG, state: "stuck" }, count: 1 }]);
  life.sees(WELL.label(MIG, "success"), SECOND);
  expect(workGauges(life)).toEqual([]);
});

test("no value of a known mark opens the gate earlier than work in progress would, unless it is listed", () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...PLANNED_WORK_MARKS),
      fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,40}$/u),
      (mark, value) => {
        fc.pre(!Object.hasOwn(mark.values, value) && mark.unknown.test(value));
        expect(workState(mark, value)).toBe("Unknown");
        const life = new NodeLife().sees(WELL).sees(marked(DEAD, mark.key, value), 10 * MINUTE, 5 * MINUTE);
        expect(life.gate("PlannedWork")).toMatchObject({ open: false, until: NOON + HOUR });
      },
    ),
    { numRuns: 50 },
  );
});
