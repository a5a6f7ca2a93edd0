import { describe, expect, test } from "vitest";
import { GATES, type GateName } from "@node-agent/shared/core/gates/gate.ts";
import { gateVerdicts, nextStep } from "@node-agent/shared/core/gates/list.ts";
import { fleetHealth } from "@node-agent/shared/core/storm/fleet.ts";
import { breakerOf } from "@node-agent/shared/core/storm/breaker.ts";
import { DEFAULT_BREAKER } from "@node-agent/shared/core/storm/policy.ts";
import { aNode, type NodeBuilder } from "@node-agent/shared/testing/builders.ts";
import { HOUR, MINUTE, SECOND } from "@node-agent/shared/core/time.ts";
import { ACTIVE, NOON, Timeline } from "./timeline.ts";

/** A node whose reboot every pure gate lets through. */
function aDueNode(): Timeline {
  const life = new Timeline();
  life.judge({ NodeReady: "Fail" });
  return life.pass(5 * MINUTE);
}

/** One way to shut each pure gate, and it alone where that is possible; in the order of asking. */
const SHUT: [GateName, (life: Timeline) => void, { why: string; until?: number; ends?: true }][] = [
  ["NothingFailing", (life) => void life.judge(), { why: "no checker fails" }],
  [
    "Mode",
    (life) => void (life.policy = { ...ACTIVE, monitorOnly: true }),
    { why: "judged in active mode", until: 45 * SECOND },
  ],
  [
    "ActionNone",
    (life) => {
      const { NodeReady } = ACTIVE.checkers;
      life.policy = {
        ...ACTIVE,
        checkers: { ...ACTIVE.checkers, NodeReady: { ...NodeReady, action: "None" } },
      };
    },
    { why: "no failing checker asks for a reboot" },
  ],
  [
    "NotSelected",
    (life) => void (life.read = { ...life.read, selected: false }),
    { why: "nodePools, includeControlPlane or includeVirtual leave it out", until: 90 * SECOND },
  ],
  [
    "Paused",
    (life) =>
      void (life.read = {
        ...life.read,
        pauses: [{ level: "pool", source: "ledger", why: "paused by ann: upgrade" }],
      }),
    { why: "pool (ledger): paused by ann: upgrade", until: 45 * SECOND },
  ],
  [
    "OptOut",
    (life) => readNode(life, (node) => node.annotation("node-agent.civo.com/opt-out", "")),
    { why: "annotation node-agent.civo.com/opt-out", until: 90 * SECOND },
  ],
  [
    "ForeignOwner",
    (life) => readNode(life, (node) => node.taint("ToBeDeletedByClusterAutoscaler")),
    {
      why: "taint ToBeDeletedByClusterAutoscaler: the cluster autoscaler removes it",
      until: 90 * SECOND,
    },
  ],
  [
    "PlannedWork",
    (life) => readNode(life, (node) => node.label("nvidia.com/mig.config.state", "rebooting")),
    {
      why: "the MIG reconfiguration by the NVIDIA MIG manager is in progress (label nvidia.com/mig.config.state=rebooting)",
      until: HOUR,
      ends: true,
    },
  ],
  ["Blind", (life) => void (life.viewAge = 90_001), { why: "cluster view is 90 s old", until: 45 * SECOND }],
  [
    "Verifying",
    (life) => {
      life.reboot();
      life.pass(10 * MINUTE);
      life.policy = { ...ACTIVE, maxAttempts: 1 };
    },
    { why: "the result of reboot 1 is not known yet", until: 45 * SECOND },
  ],
  ["Attempts", (life) => void (life.policy = { ...ACTIVE, maxAttempts: 0 }), { why: "0 of 0 attempts used" }],
  [
    "WaitWindow",
    (life) => void life.reboot(),
    { why: "reboot 1 (Accepted) keeps its wait", until: 10 * MINUTE, ends: true },
  ],
  [
    "Threshold",
    (life) => void (life.observed -= 1),
    { why: "NodeReady has not failed for long enough", until: 1, ends: true },
  ],
  [
    "Settle",
    (life) =>
      void (life.record = {
        ...life.record,
        bootSeenAt: life.now - 9 * MINUTE,
        foreignBootAt: life.now - 9 * MINUTE,
      }),
    { why: "something else rebooted it", until: MINUTE, ends: true },
  ],
  [
    "Breaker",
    (life) => {
      const silent = Array.from({ length: 2 }, (_, i) => ({ name: `n-${i}`, failing: {}, silent: true }));
      const fleet = fleetHealth(silent);
      life.read = { ...life.read, fleet, breaker: breakerOf(fleet, DEFAULT_BREAKER, life.now) };
    },
    { why: "AllSilent: all 2 nodes went silent: check the control plane", until: 30 * SECOND },
  ],
  [
    "Ledger",
    (life) => void (life.read = { ...life.read, ledger: { distrust: { why: "Missing: there is none" } } }),
    { why: "Missing: there is none", until: 45 * SECOND },
  ],
  [
    "CureRate",
    (life) =>
      void (life.read = {
        ...life.read,
        ledger: {
          ...life.read.ledger,
          cureRate: { rate: "Stopped", why: "0 of the latest 5 repairs cured" },
        },
      }),
    { why: "Stopped: 0 of the latest 5 repairs cured", until: 90 * SECOND },
  ],
  [
    "Limit",
    (life) =>
      void (life.read = {
        ...life.read,
        ledger: {
          ...life.read.ledger,
          limit: { limit: "Pool", why: "1 open in pool blue, 1 allowed" },
        },
      }),
    { why: "Pool: 1 open in pool blue, 1 allowed", until: 90 * SECOND },
  ],
  [
    "Identity",
    (life) => {
      const node = aNode().snapshot();
      const twin = { name: "twin", failing: {}, silent: false, providerId: node.providerId ?? "" };
      life.read = { ...life.read, node, fleet: fleetHealth([twin, { ...twin, name: node.name }]) };
    },
    { why: "twin names the same VM", until: 45 * SECOND },
  ],
  [
    "OwnNode",
    (life) => {
      const hosting = { own: "node-1", others: [{ node: "node-2" }], redis: false, openReboots: 0 };
      life.read = { ...life.read, hosting };
    },
    { why: "the worker runs on it, and 1 other can reboot it", until: 5 * SECOND },
  ],
  [
    "PodEvidence",
    (life) => {
      const { NodeReady: clock } = life.record.failing;
      if (clock === undefined) return;
      const failing = { GPU: { ...clock, sinceObserved: 0, reason: "NoAllocatableGPU" } };
      life.record = { ...life.record, failing };
      const nothing = { state: "Read", value: [] } as const;
      life.read = { ...life.read, evidence: { pods: nothing, gpuDrivers: nothing } };
    },
    {
      why: "no device plugin pod on the node: a missing plugin is no broken GPU; deploy it",
      until: 90 * SECOND,
    },
  ],
];

/** The node was read, built otherwise by `change`; what was read before of it stays. */
function readNode(life: Timeline, change: (node: NodeBuilder) => NodeBuilder): void {
  const built = change(aNode()).snapshot();
  const { node = built } = life.read;
  const annotations = { ...node.annotations, ...built.annotations };
  life.read = { ...life.read, node: { ...built, annotations, taints: [...node.taints, ...built.taints] } };
}

describe("the pure gates", () => {
  test("are asked in the order of the closed set, and the world's gates follow", () => {
    const pure = gateVerdicts(aDueNode().input).map(({ gate }) => gate);
    expect(pure).toEqual(SHUT.map(([gate]) => gate));
    expect(GATES.filter((gate) => pure.includes(gate))).toEqual(pure);
    expect(GATES.filter((gate) => !pure.includes(gate))).toEqual([
      "NodeUnreadable",
      "Cloud",
      "RateLimit",
      "Deadline",
      "Queue",
    ]);
  });

  test("all open lead to the call of the next attempt", () => {
    const life = aDueNode();
    const node = aNode().snapshot();
    const hosting = { own: "node-2", others: [], redis: false, openReboots: 0 };
    const fleet = fleetHealth([{ name: "n1", failing: {}, silent: false }]);
    life.read = {
      pauses: [],
      node,
      fleet,
      breaker: breakerOf(fleet, DEFAULT_BREAKER, life.now),
      ledger: {},
      hosting,
    };
    expect(gateVerdicts(life.input)).toEqual([
      { gate: "NothingFailing", open: true, why: "failing: NodeReady" },
      { gate: "Mode", open: true, why: "judged in active mode" },
      { gate: "ActionNone", open: true, why: "a reboot is asked for" },
      { gate: "NotSelected", open: true, why: "it is looked after" },
      { gate: "Paused", open: true, why: "nobody paused it" },
      { gate: "OptOut", open: true, why: "it did not opt out" },
      { gate: "ForeignOwner", open: true, why: "no mark of another owner holds it" },
      { gate: "PlannedWork", open: true, why: "no planned work on it" },
      { gate: "Blind", open: true, why: "cluster view is 0 s old" },
      { gate: "Verifying", open: true, why: "no result is pending" },
      { gate: "Attempts", open: true, why: "0 of 3 attempts used" },
      { gate: "WaitWindow", open: true, why: "no reboot before" },
      { gate: "Threshold", open: true, why: "NodeReady has failed for long enough" },
      { gate: "Settle", open: true, why: "no boot was seen lately" },
      { gate: "Breaker", open: true, why: "its failure stands alone" },
      { gate: "Ledger", open: true, why: "the ledger is trusted" },
      { gate: "CureRate", open: true, why: "repairs like this one help, as far as is known" },
      { gate: "Limit", open: true, why: "every limit allows one more repair" },
      { gate: "Identity", open: true, why: "no other node names its VM" },
      { gate: "OwnNode", open: true, why: "neither the worker nor Redis is known to run on it" },
      { gate: "PodEvidence", open: true, why: "the failure does not depend on an agent's pod" },
    ]);
    expect(life.step()).toEqual({ step: "CallExecutor", attempt: 1 });
  });

  test.each(SHUT)("%s alone holds the reboot back, names why and when to ask again", (gate, shut, answer) => {
    const life = aDueNode();
    expect(life.step().step).toBe("CallExecutor");
    shut(life);
    const { why, until, ...ends } = answer;
    const at = until === undefined ? {} : { until: life.now + until };
    expect(life.gate(gate)).toEqual({ gate, open: false, why, ...at, ...ends });
    expect(life.step()).toEqual(
      until === undefined
        ? { step: "Finish", gate, why }
        : { step: "WaitUntil", gate, why, at: life.now + until },
    );
  });

  const pairs = SHUT.slice(1).map(([later], i) => [SHUT[i]![0], later] as const);
  test.each(pairs.filter(([, later]) => later !== "WaitWindow"))("%s is told before %s", (earlier, later) => {
    const life = aDueNode();
    const shut = new Map(SHUT.map(([gate, apply]) => [gate, apply]));
    shut.get(earlier)!(life);
    const { policy } = life;
    shut.get(later)!(life);
    life.policy = merged(policy, life.policy);
    expect(life.gate(later).open).toBe(false);
    expect(life.step()).toMatchObject({ gate: earlier });
  });

  test("the wait of the last attempt is told as a wait, and the used-up attempts after it", () => {
    const life = aDueNode();
    life.policy = { ...ACTIVE, maxAttempts: 1 };
    life.reboot();
    expect(life.gate("Attempts")).toMatchObject({ open: true, why: "1 of 1 attempts used" });
    expect(life.step()).toMatchObject({ step: "WaitUntil", gate: "WaitWindow" });
    life.pass(10 * MINUTE);
    // Whether the attempt counts is known by its verdict.
    expect(life.step()).toMatchObject({ step: "WaitUntil", gate: "Verifying" });
    life.told("StillBad");
    expect(life.step()).toMatchObject({ step: "Finish", gate: "Attempts" });
  });

  test("a node that was given up is told so, even if a late answer prolongs its wait", () => {
    const life = aDueNode();
    life.policy = { ...ACTIVE, maxAttempts: 1 };
    const token = life.intend();
    life.pass(10 * MINUTE).judge({ NodeReady: "Fail" });
    life.answer(token, "Accepted");
    expect(life.gate("WaitWindow").open).toBe(false);
    expect(life.step()).toMatchObject({ step: "WaitUntil", gate: "Verifying" });
  });

  test("an inconsistent record, clocks without an incident, leads to no call", () => {
    const life = aDueNode();
    const { incident: _incident, ...damaged } = life.record;
    life.record = damaged;
    expect(life.step()).toMatchObject({ step: "Finish", gate: "NothingFailing" });
  });

  test.each([
    ["just fresh enough", 90 * SECOND, true, "cluster view is 90 s old"],
    ["too old", 90 * SECOND + 1, false, "cluster view is 90 s old"],
    ["never seen", undefined, false, "the cluster was never seen"],
    ["not a number", Number.NaN, false, "cluster view is NaN s old"],
  ])("a view that is %s", (_, viewAge, open, why) => {
    const life = aDueNode();
    life.viewAge = viewAge;
    expect(life.gate("Blind")).toMatchObject({ open, why });
  });

  test("a view that came back a moment ago has its grace, whose end is told", () => {
    const life = aDueNode();
    life.viewSteady = 2 * MINUTE - 1;
    expect(life.gate("Blind")).toMatchObject({ open: false, until: life.now + 1 });
    life.viewSteady = 2 * MINUTE;
    expect(life.gate("Blind").open).toBe(true);
  });

  test("a wait is over at its very end", () => {
    const life = aDueNode();
    life.reboot();
    life.pass(10 * MINUTE - 1);
    expect(life.gate("WaitWindow").open).toBe(false);
    life.pass(1);
    expect(life.gate("WaitWindow")).toEqual({
      gate: "WaitWindow",
      open: true,
      why: "the wait of reboot 1 (Accepted) is over",
    });
  });

  test("every failing checker is named", () => {
    const life = new Timeline();
    life.judge({ Cilium: "Fail", GPU: "Fail", NodeReady: "Skip" });
    expect(life.gate("NothingFailing").why).toBe("failing: GPU, Cilium");
  });

  test("Threshold of a node that nobody wants rebooted names no time", () => {
    const life = new Timeline();
    life.judge();
    expect(life.gate("Threshold")).toEqual({
      gate: "Threshold",
      open: false,
      why: "no failing checker asks for a reboot",
    });
  });

  test("what was not read yet holds nothing back: its gate says so", () => {
    const life = aDueNode();
    for (const [gate, why] of [
      ["ForeignOwner", "the node was not read yet"],
      ["PlannedWork", "the node was not read yet"],
      ["Breaker", "the fleet was not looked at yet"],
      ["Ledger", "the ledger was not asked yet"],
    ] as const)
      expect(life.gate(gate)).toEqual({ gate, open: true, why });
  });

  test("monitor-only passes the same gates", () => {
    const life = new Timeline({ monitorOnly: true });
    life.judge({ NodeReady: "Fail" });
    life.pass(HOUR);
    expect(life.gate("Mode").why).toBe("judged in monitor-only mode");
    expect(life.step()).toEqual({ step: "CallExecutor", attempt: 1 });
  });

  test("the same input always gives the same step, and asking changes nothing", () => {
    const life = aDueNode();
    const before = structuredClone(life.input);
    expect(nextStep(life.input)).toEqual(nextStep(life.input));
    expect(life.input).toEqual(before);
    expect(life.record.failing.NodeReady?.since).toBe(NOON);
  });
});

/** Both changes of policy together, where both gates are shut by the policy. */
function merged(a: Timeline["policy"], b: Timeline["policy"]): Timeline["policy"] {
  return {
    ...b,
    monitorOnly: a.monitorOnly || b.monitorOnly,
    maxAttempts: Math.min(a.maxAttempts, b.maxAttempts),
    checkers: a.checkers === ACTIVE.checkers ? b.checkers : a.checkers,
  };
}
