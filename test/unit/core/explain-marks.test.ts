import { expect, test } from "vitest";
import { createCheckers } from "@node-agent/shared/core/checkers/registry.ts";
import { explain } from "@node-agent/shared/core/explain.ts";
import { clocksOf } from "@node-agent/shared/core/ledger/clocks.ts";
import { emptyLedger } from "@node-agent/shared/core/ledger/steps.ts";
import { fleetNode } from "@node-agent/shared/core/storm/fleet-node.ts";
import { fleetHealth } from "@node-agent/shared/core/storm/fleet.ts";
import { DAY, HOUR, MINUTE, SECOND } from "@node-agent/shared/core/time.ts";
import { aNode, instanceIdOf, type NodeBuilder } from "@node-agent/shared/testing/builders.ts";
import { NodeLife } from "./node-life.ts";
import { ACTIVE, NOON } from "./timeline.ts";

const RULES = { policy: ACTIVE, checkers: createCheckers(ACTIVE) };
const SICK = aNode().notReady();
const MIG = "nvidia.com/mig.config.state";

/** The explanation of a node that has read like this for so long. */
function explained(node: NodeBuilder, life: NodeLife) {
  const fleet = [aNode("well"), node].map((one) =>
    fleetNode(one.snapshot(), life.record, { ...RULES, selected: true }, life.now),
  );
  return explain({
    name: "node-1",
    rules: RULES,
    now: life.now,
    observed: life.now - NOON + DAY,
    viewAge: 0,
    record: life.record,
    damaged: false,
    node: { state: "Found", snapshot: node.snapshot() },
    fleet: { state: "Seen", health: fleetHealth(fleet), lookedAfter: true },
    ledger: {
      state: "Trusted",
      ledger: emptyLedger("cluster-1", "init", NOON),
      clocks: clocksOf([life.now]),
    },
    hosting: { state: "Seen", hosting: { others: [], redis: false, openReboots: 0 } },
    instanceId: instanceIdOf("node-1"),
  });
}

test("an old hold of another owner: since when, and whom to ask; no end is named", () => {
  const set = NOON - 13 * HOUR;
  const node = SICK.taint("ToBeDeletedByClusterAutoscaler", "NoSchedule", String(set / SECOND));
  const { blocker, next } = explained(node, new NodeLife().sees(aNode()).sees(node, 6 * MINUTE));
  expect(blocker).toMatchObject({
    gate: "ForeignOwner",
    why: "taint ToBeDeletedByClusterAutoscaler: the cluster autoscaler removes it; since 2026-11-22T23:00:00Z, longer than 12 h: ask the cluster autoscaler",
    since: set,
    ends: false,
  });
  expect(next.step).toBe("LookAgain");
});

test("planned work in progress: since when, and that it ends", () => {
  const node = SICK.label(MIG, "rebooting");
  const { blocker, next } = explained(node, new NodeLife().sees(aNode()).sees(node, 20 * MINUTE));
  expect(blocker).toMatchObject({ gate: "PlannedWork", since: NOON, until: NOON + HOUR, ends: true });
  expect(next).toEqual({ step: "Reboot", at: NOON + HOUR });
});

test("stuck work holds nothing, and is named with its age and its owner", () => {
  const node = SICK.label(MIG, "rebooting");
  const { gates, blocker } = explained(node, new NodeLife().sees(aNode()).sees(node, 2 * HOUR));
  expect(blocker).toBeUndefined();
  expect(gates.find(({ gate }) => gate === "PlannedWork")).toMatchObject({
    answer: "Open",
    why: `the MIG reconfiguration by the NVIDIA MIG manager is in progress (label ${MIG}=rebooting) since 2026-11-23T12:00:00Z, longer than 1 h: it is stuck, ask the NVIDIA MIG manager`,
  });
});
