import { describe, expect, test } from "vitest";
import { createCheckers } from "@node-agent/shared/core/checkers/registry.ts";
import { fleetSummary } from "@node-agent/shared/core/fleet-summary.ts";
import type { FleetState } from "@node-agent/shared/core/fleet-repairs.ts";
import { judge } from "@node-agent/shared/core/judge.ts";
import { emptyLedger } from "@node-agent/shared/core/ledger/steps.ts";
import { DEFAULT_POLICY, type RepairPolicy } from "@node-agent/shared/core/policy.ts";
import { MINUTE } from "@node-agent/shared/core/time.ts";
import { aNode, type NodeBuilder } from "@node-agent/shared/testing/builders.ts";
import { statusText } from "../../../packages/cli/src/status-text.ts";

const NOON = Date.UTC(2026, 10, 23, 12);
const ACTIVE: RepairPolicy = { ...DEFAULT_POLICY, monitorOnly: false };

function textOf(
  nodes: readonly NodeBuilder[],
  policy: RepairPolicy = DEFAULT_POLICY,
  state?: FleetState,
): string {
  const rules = { policy, checkers: createCheckers(policy) };
  const listed = nodes.map((node) => ({ snapshot: node.snapshot(), selected: true }));
  return statusText(fleetSummary(listed, state, rules, NOON), "prod");
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

  test("names the nodes on which a checker flaps, as their records know", () => {
    const record = (node: NodeBuilder, flappingSince?: number) => {
      const { name } = node.snapshot();
      const rules = { policy: DEFAULT_POLICY, checkers: createCheckers(DEFAULT_POLICY) };
      const moment = { now: NOON, observed: MINUTE };
      const { after } = judge(node.snapshot(), { record: undefined, damaged: false }, rules, moment);
      return [
        name,
        { ...after, flaps: { GPU: { at: [NOON - MINUTE], ...(flappingSince && { flappingSince }) } } },
      ] as const;
    };
    const [flapping, once] = [aNode("g-1").gpu(8), aNode("g-2").gpu(8)];
    const records = new Map([record(flapping, NOON - MINUTE), record(once)]);
    const state: FleetState = { records, view: { observed: MINUTE, age: 0, steady: MINUTE } };
    expect(textOf([flapping, once], DEFAULT_POLICY, state)).toMatch(/^Flapping +GPU on 1 node \(g-1\)$/mu);
    expect(textOf([flapping, once])).not.toMatch(/Flapping/u);
  });

  test("shows every pause and grant in force with its end, none where there is none, and why they are not known", () => {
    const rules = { policy: ACTIVE, checkers: createCheckers(ACTIVE) };
    const order = { since: NOON, by: "ann", reason: "upgrade \u{1B}[31m" };
    const { meta } = emptyLedger("c", "w", NOON);
    const grants = [
      { id: "g", ...order, until: NOON + MINUTE, zone: "z1", count: 3, used: 1, width: 2, cured: 0 },
    ];
    const pausedPools = { gpu: { ...order, until: NOON + MINUTE } };
    const ledger = { meta: { ...meta, paused: order, pausedPools, grants }, entries: new Map() };
    const text = statusText(fleetSummary([], undefined, rules, NOON, ledger), "prod");
    expect(text.split("\n").filter((line) => /^(?:Paused|Grant) /u.test(line))).toEqual([
      expect.stringMatching(/^Paused +fleet by ann at 2026-11-23T12:00:00Z: upgrade \u{FFFD}\[31m$/u),
      expect.stringMatching(/^Paused +pool gpu by ann at .*, until 2026-11-23T12:01:00Z: upgrade/u),
      expect.stringMatching(
        /^Grant +zone z1 until 2026-11-23T12:01:00Z \(in 1m\), 1 of 3 begun, .* by ann /u,
      ),
    ]);
    const calm = statusText(fleetSummary([], undefined, rules, NOON), "prod");
    expect(calm).not.toMatch(/^(?:Paused|Grant|Orders) /mu);
    const unknown = statusText(fleetSummary([], undefined, rules, NOON), "prod", "there is no ledger");
    expect(unknown).toMatch(/^Orders +pauses and grants are not known: there is no ledger$/mu);
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
