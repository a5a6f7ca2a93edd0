import { describe, expect, test } from "vitest";
import { createCheckers } from "@node-agent/shared/core/checkers/registry.ts";
import { ownerOf } from "@node-agent/shared/core/fleet-evidence.ts";
import { fleetSummary } from "@node-agent/shared/core/fleet-summary.ts";
import type { FleetState } from "@node-agent/shared/core/fleet-repairs.ts";
import { FOREIGN_MARKS } from "@node-agent/shared/core/foreign-marks.ts";
import { judge, type Rules } from "@node-agent/shared/core/judge.ts";
import { DEFAULT_POLICY, type RepairPolicy } from "@node-agent/shared/core/policy.ts";
import type { NodeRecord } from "@node-agent/shared/core/record.ts";
import { toSnapshot } from "@node-agent/shared/core/snapshot.ts";
import { DAY, HOUR, MINUTE } from "@node-agent/shared/core/time.ts";
import { aNode, type NodeBuilder } from "@node-agent/shared/testing/builders.ts";
import { describeFixtures } from "../../support/fixtures.ts";
import { aGrant, aLedger } from "./ledger-build.ts";
import { ACTIVE, NOON } from "./timeline.ts";

const rulesOf = (policy: RepairPolicy): Rules => ({ policy, checkers: createCheckers(policy) });
const RULES = rulesOf(ACTIVE);
const ZONE = "topology.kubernetes.io/zone";
const WELL = Array.from({ length: 20 }, (_, i) => aNode(`well-${i}`));

const selected = (nodes: readonly NodeBuilder[]) =>
  nodes.map((node) => ({ snapshot: node.snapshot(), selected: true }));

function summaryOf(nodes: readonly NodeBuilder[], state?: FleetState, rules = RULES) {
  return fleetSummary(selected(nodes), state, rules, NOON);
}

/** A record of this node, healthy an hour ago and failing for `failed` since. */
function recordOf(node: NodeBuilder, failed: number, policy = ACTIVE): NodeRecord {
  const rules = rulesOf(policy);
  const { name } = node.snapshot();
  const well = judge(aNode(name).snapshot(), { record: undefined, damaged: false }, rules, {
    now: NOON - HOUR,
    observed: DAY - HOUR,
  }).after;
  const at = { now: NOON - failed, observed: DAY - failed };
  return judge(node.snapshot(), { record: well, damaged: false }, rules, at).after;
}

function stateOf(records: readonly NodeRecord[], age: number | undefined = 0): FleetState {
  return {
    records: new Map(records.map((record) => [record.name, record])),
    view: { observed: DAY, age, steady: HOUR },
  };
}

/** What is said of one failing node beside twenty healthy ones. */
const only = (node: NodeBuilder, state?: FleetState, policy = ACTIVE) =>
  summaryOf([node, ...WELL], state, rulesOf(policy)).failing[0];

describe("the orders in the ledger", () => {
  const sick = Array.from({ length: 20 }, (_, i) => aNode(`sick-${i}`).label(ZONE, "z1").notReady());
  const state = stateOf(sick.map((node) => recordOf(node, 6 * MINUTE)));
  const withLedger = (nodes: readonly NodeBuilder[], meta: Parameters<typeof aLedger>[1]) =>
    fleetSummary(selected(nodes), state, RULES, NOON, aLedger([], meta));
  const repairs = ({ failing }: ReturnType<typeof withLedger>) =>
    new Set(failing.map(({ repair, holds }) => [repair, ...holds.map(({ gate }) => gate)].join(" ")));

  test("are part of the summary, and absent where no ledger was read", () => {
    const grants = [aGrant({ zone: "z1" })];
    expect(withLedger(WELL, { grants }).orders).toEqual({ pauses: [], grants });
    expect(summaryOf(WELL)).not.toHaveProperty("orders");
  });

  test("count: a pause holds, and a grant lifts the breaker in its scope", () => {
    const nodes = [...sick, ...WELL];
    const pause = { since: NOON, by: "ann", reason: "x" };
    expect(repairs(withLedger(nodes, {}))).toEqual(new Set(["Held Breaker"]));
    expect(repairs(withLedger(nodes, { grants: [aGrant({ zone: "z1" })] }))).toEqual(new Set(["Due"]));
    expect(repairs(withLedger(nodes, { grants: [aGrant({ zone: "z2" })] }))).toEqual(
      new Set(["Held Breaker"]),
    );
    expect(repairs(withLedger(nodes, { paused: pause }))).toEqual(new Set(["Held Paused"]));
    expect(repairs(withLedger(nodes, { paused: { ...pause, until: NOON } }))).toEqual(
      new Set(["Held Breaker"]),
    );
  });
});

describe("what there is", () => {
  test("counts nodes, pools, zones; what the configuration leaves out counts as left out and nowhere else", () => {
    const nodes = [
      ...selected([
        aNode("a-1").pool("a").label(ZONE, "z1"),
        aNode("a-2").pool("a").label(ZONE, "z2").notReady(),
        aNode("free").withoutLabels("kubernetes.civo.com/"),
      ]),
      { snapshot: aNode("left").pool("b").gpu(8).notReady().snapshot(), selected: false },
    ];
    const summary = fleetSummary(nodes, undefined, RULES, NOON);
    expect(summary).toMatchObject({
      at: NOON,
      mode: "active",
      nodes: { total: 4, selected: 3, leftOut: 1 },
      pools: [
        { name: "a", nodes: 2, failing: 1 },
        { nodes: 1, failing: 0 },
      ],
      zones: [
        { name: "z1", nodes: 1, failing: 0 },
        { name: "z2", nodes: 1, failing: 1 },
        { nodes: 1, failing: 0 },
      ],
      gpus: { nodes: 0, resources: [] },
    });
    expect(summary.failing.map(({ node }) => node)).toEqual(["a-2"]);
    expect(summary).not.toHaveProperty("phases");
  });

  test("adds up GPU nodes and the units of each resource", () => {
    const { gpus } = summaryOf([
      aNode("g-1").gpu(8),
      aNode("g-2").gpu(8, { allocatable: 6 }),
      aNode("mig").resource("nvidia.com/mig-1g.5gb", 7),
      aNode("plain"),
    ]);
    expect(gpus).toEqual({
      nodes: 3,
      resources: [
        { name: "nvidia.com/gpu", capacity: 16, allocatable: 14 },
        { name: "nvidia.com/mig-1g.5gb", capacity: 7, allocatable: 7 },
      ],
    });
  });

  test("names the networks with their evidence, a taint of a Cilium that is gone included", () => {
    const flannel = aNode("f").taint("node.cilium.io/agent-not-ready");
    const { networks } = summaryOf([
      flannel,
      aNode("f2"),
      aNode("c").condition("NetworkUnavailable", "True", "CalicoIsDown"),
      aNode("r").condition("NetworkUnavailable", "False", "RouteCreated"),
      aNode("none").withoutCondition("NetworkUnavailable"),
      aNode("other").taint("ignore-taint.cluster-autoscaler.kubernetes.io/cilium-agent-not-ready"),
    ]);
    expect(networks).toEqual([
      { name: "Flannel", nodes: 3, seen: ["NetworkUnavailable/FlannelIsUp"] },
      {
        name: "Cilium",
        nodes: 2,
        seen: [
          "taint ignore-taint.cluster-autoscaler.kubernetes.io/cilium-agent-not-ready",
          "taint node.cilium.io/agent-not-ready",
        ],
      },
      { name: "Calico", nodes: 1, seen: ["NetworkUnavailable/CalicoIsDown"] },
      { name: "routes of the cloud", nodes: 1, seen: ["NetworkUnavailable/RouteCreated"] },
    ]);
  });

  test("names other owners and the marks they left", () => {
    const { owners } = summaryOf([
      aNode("n-1").taint("DeletionCandidateOfClusterAutoscaler", "PreferNoSchedule"),
      aNode("n-2").annotation("cluster-autoscaler.kubernetes.io/scale-down-disabled", "true"),
      aNode("n-3").label("karpenter.sh/nodepool", "gpu"),
      aNode("n-4").cordoned().annotation("weave.works/kured-reboot-in-progress", "2026"),
      aNode("n-5").deletedAt(NOON),
    ]);
    expect(owners.map(({ name, nodes }) => [name, nodes])).toEqual([
      ["Cluster Autoscaler", 2],
      ["Karpenter", 1],
      ["cordon", 1],
      ["deletion", 1],
      ["kured", 1],
    ]);
    expect(owners[0]?.seen).toEqual([
      "annotation cluster-autoscaler.kubernetes.io/scale-down-disabled",
      "taint DeletionCandidateOfClusterAutoscaler",
    ]);
  });

  test.each(FOREIGN_MARKS.filter(({ at }) => !at.includes("field")).map(({ key }) => key))(
    "the mark %s, which holds repairs, has an owner with a name",
    (key) => expect(ownerOf(key)).toEqual(expect.any(String)),
  );
});

describe("planned work of others", () => {
  const divided = aNode("m").label("nvidia.com/mig.config.state", "rebooting");

  test("is named with how far it is", () => {
    const upgrading = aNode("u").label("nvidia.com/gpu-driver-upgrade-state", "upgrade-required");
    expect(summaryOf([upgrading, divided, aNode("n")]).work).toEqual([
      {
        name: "the GPU driver upgrade",
        nodes: 1,
        seen: ["label nvidia.com/gpu-driver-upgrade-state=upgrade-required: waits, holds nothing"],
      },
      {
        name: "the MIG reconfiguration",
        nodes: 1,
        seen: ["label nvidia.com/mig.config.state=rebooting: in progress"],
      },
    ]);
  });

  test("is stuck once it is older than allowed", () => {
    const old = stateOf([recordOf(divided, 2 * HOUR)]);
    expect(summaryOf([divided], old).work[0]?.seen).toEqual([
      "label nvidia.com/mig.config.state=rebooting: stuck",
    ]);
  });
});

describe("what is judged", () => {
  test("says for each enabled checker how many nodes it judges and why it skips the others", () => {
    const { checkers } = summaryOf([aNode("n-1"), aNode("n-2").gpu(8, { allocatable: 6 })]);
    expect(checkers).toEqual([
      {
        checker: "NodeReady",
        threshold: 5 * MINUTE,
        action: "Reboot",
        judged: 2,
        failing: 0,
        judgedBefore: 0,
        skipped: [],
      },
      {
        checker: "GPU",
        threshold: 10 * MINUTE,
        action: "Reboot",
        judged: 1,
        failing: 1,
        judgedBefore: 0,
        skipped: [{ reason: "NonGPUNode", nodes: 1 }],
      },
      {
        checker: "DiskPressure",
        threshold: 30 * MINUTE,
        action: "Reboot",
        judged: 2,
        failing: 0,
        judgedBefore: 0,
        skipped: [],
      },
      // It applies to no node of this cluster, and that must not be silent.
      {
        checker: "Cilium",
        threshold: 10 * MINUTE,
        action: "Reboot",
        judged: 0,
        failing: 0,
        judgedBefore: 0,
        skipped: [{ reason: "NoCilium", nodes: 2 }],
      },
    ]);
  });

  test("counts the nodes that a checker skips now though it judged them before", () => {
    const gpu = aNode("g").gpu(8);
    const record = judge(gpu.snapshot(), { record: undefined, damaged: false }, RULES, {
      now: NOON - HOUR,
      observed: DAY - HOUR,
    }).after;
    const later = gpu.label("nvidia.com/mig.config.state", "pending");
    const { checkers } = summaryOf([later, aNode("n")], stateOf([record]));
    expect(checkers.find(({ checker }) => checker === "GPU")).toMatchObject({ judged: 0, judgedBefore: 1 });
  });

  test("leaves out a checker that is off", () => {
    const { checkers } = ACTIVE;
    const off = { ...ACTIVE, checkers: { ...checkers, Cilium: { ...checkers.Cilium, enabled: false } } };
    const names = summaryOf([aNode()], undefined, rulesOf(off)).checkers.map(({ checker }) => checker);
    expect(names).toEqual(["NodeReady", "GPU", "DiskPressure"]);
  });

  test("counts phases of the records, and nodes that no worker has judged", () => {
    const sick = aNode("sick").notReady();
    const state = stateOf([recordOf(sick, MINUTE), recordOf(aNode("well-0"), MINUTE)]);
    const { phases } = summaryOf([sick, aNode("well-0"), aNode("new")], state);
    expect(phases).toEqual({
      Unknown: 0,
      Healthy: 1,
      Unhealthy: 1,
      WaitingReboot: 0,
      Failed: 0,
      unjudged: 1,
    });
  });
});

describe("what would be repaired", () => {
  const sick = aNode("sick").notReady();

  test("a repair is due once the threshold has passed", () => {
    const since = NOON - 6 * MINUTE;
    expect(only(sick, stateOf([recordOf(sick, 6 * MINUTE)]))).toEqual({
      node: "sick",
      pool: "pool-1",
      phase: "Unhealthy",
      failing: [{ checker: "NodeReady", reason: "KubeletNotReady", action: "Reboot", since }],
      repair: "Due",
      holds: [],
    });
  });

  test("before that it waits, until a time", () => {
    expect(only(sick, stateOf([recordOf(sick, MINUTE)]))).toMatchObject({
      repair: "Waits",
      holds: [{ gate: "Threshold", until: NOON + 4 * MINUTE }],
    });
  });

  test("without records the threshold counts from now, and no start of the failure is claimed", () => {
    const found = only(sick);
    expect(found).toMatchObject({
      repair: "Waits",
      holds: [{ gate: "Threshold", until: NOON + 5 * MINUTE }],
    });
    expect(found?.failing[0]).not.toHaveProperty("since");
    expect(found).not.toHaveProperty("phase");
  });

  test("without records failures seem not to have begun together", () => {
    const many = Array.from({ length: 4 }, (_, i) => aNode(`sick-${i}`).notReady());
    const fleet = Array.from({ length: 60 }, (_, i) => aNode(`fleet-${i}`));
    const { failing } = summaryOf([...many, ...fleet]);
    expect(failing.map(({ holds }) => holds.map(({ gate }) => gate))).toEqual(
      Array.from({ length: 4 }, () => ["Threshold"]),
    );
  });

  test("a mark of another owner holds it, and every hold is named", () => {
    const owned = sick.taint("ToBeDeletedByClusterAutoscaler");
    const state = stateOf([recordOf(owned, MINUTE)]);
    expect(only(owned, state)).toMatchObject({
      repair: "Held",
      holds: [{ gate: "ForeignOwner" }, { gate: "Threshold" }],
    });
  });

  test("an open breaker holds it, also without records", () => {
    const { failing } = summaryOf([sick, aNode("sick-2").notReady(), aNode("sick-3").notReady(), aNode()]);
    for (const { repair, holds } of failing) {
      expect(repair).toBe("Held");
      expect(holds).toContainEqual(expect.objectContaining({ gate: "Breaker" }));
    }
  });

  test("blindness holds it where the view was read, and is not asked where it was not", () => {
    const blind = stateOf([recordOf(sick, 6 * MINUTE)], 10 * MINUTE);
    expect(only(sick, blind)?.holds).toMatchObject([{ gate: "Blind" }]);
    expect(only(sick)?.holds).not.toContainEqual(expect.objectContaining({ gate: "Blind" }));
  });

  test("the grace after a blindness ends by itself, so a repair only waits", () => {
    const state = stateOf([recordOf(sick, 6 * MINUTE)]);
    const grace = { ...state, view: { ...state.view, steady: 0 } };
    expect(only(sick, grace)).toMatchObject({
      repair: "Waits",
      holds: [{ gate: "Blind", until: NOON + ACTIVE.blindGrace }],
    });
  });

  test("a checker that only reports leads to none", () => {
    const { checkers } = ACTIVE;
    const reports = {
      ...ACTIVE,
      checkers: { ...checkers, NodeReady: { ...checkers.NodeReady, action: "None" as const } },
    };
    expect(only(sick, undefined, reports)).toMatchObject({ repair: "None" });
  });

  test("a node in its start-up grace does not fail", () => {
    const young = aNode("young")
      .createdAt(NOON - MINUTE)
      .notReady();
    const { failing, checkers } = summaryOf([young, ...WELL]);
    expect(failing).toEqual([]);
    expect(checkers[0]?.skipped).toEqual([{ reason: "StartupGrace", nodes: 1 }]);
  });

  test("a record of the other mode is not judged by these rules: Mode holds", () => {
    const record = recordOf(sick, 6 * MINUTE, DEFAULT_POLICY);
    expect(only(sick, stateOf([record]))?.holds).toContainEqual(expect.objectContaining({ gate: "Mode" }));
  });

  test("names the gates that only a worker can ask, so that Due is no promise", () => {
    const { notAsked, mode } = summaryOf([aNode()], undefined, rulesOf(DEFAULT_POLICY));
    expect(notAsked).toEqual(expect.arrayContaining(["Ledger", "CureRate", "Limit", "Cloud"]));
    expect(mode).toBe("monitor-only");
  });
});

describeFixtures("real nodes", (fixtures) => {
  test("each is counted once and judged by every checker once", () => {
    const nodes = fixtures.flatMap(({ node }) => {
      const read = toSnapshot(node);
      return read.ok ? [{ snapshot: read.snapshot, selected: true }] : [];
    });
    const summary = fleetSummary(nodes, undefined, RULES, NOON);
    expect(summary.nodes.selected).toBe(nodes.length);
    for (const { judged, skipped } of summary.checkers)
      expect(judged + skipped.reduce((sum, one) => sum + one.nodes, 0)).toBe(nodes.length);
    expect(summary.networks.map(({ name }) => name)).toEqual(
      expect.arrayContaining(["Flannel", "Calico", "Cilium", "routes of the cloud"]),
    );
  });
});
