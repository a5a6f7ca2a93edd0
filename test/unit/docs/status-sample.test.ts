import { test } from "vitest";
import { createCheckers } from "@node-agent/shared/core/checkers/registry.ts";
import { fleetSummary } from "@node-agent/shared/core/fleet-summary.ts";
import { judge, type Rules } from "@node-agent/shared/core/judge.ts";
import { DEFAULT_POLICY } from "@node-agent/shared/core/policy.ts";
import type { NodeRecord } from "@node-agent/shared/core/record.ts";
import { DAY, HOUR, MINUTE, SECOND } from "@node-agent/shared/core/time.ts";
import { aNode, type NodeBuilder } from "@node-agent/shared/testing/builders.ts";
import { statusText } from "../../../packages/cli/src/status-text.ts";
import { expectSample } from "./markdown.ts";

const NOW = Date.UTC(2026, 10, 23, 9, 8, 45);
const RULES: Rules = { policy: DEFAULT_POLICY, checkers: createCheckers(DEFAULT_POLICY) };
const ZONE = "topology.kubernetes.io/zone";

const worker = (name: string): NodeBuilder => aNode(name).pool("workers").label(ZONE, "lon1-a");
const gpuNode = (name: string): NodeBuilder => aNode(name).pool("gpu").label(ZONE, "lon1-b");

/** A node as it is now, as it was an hour ago, and for how long it has failed since. */
interface Member {
  readonly now: NodeBuilder;
  readonly before: NodeBuilder;
  readonly failed: number;
}

const well = (node: NodeBuilder): Member => ({ now: node, before: node, failed: 0 });
const WORKERS = Array.from({ length: 38 }, (_, i) => worker(`w-${String(i + 1).padStart(2, "0")}`));
const GPU_NODES = Array.from({ length: 7 }, (_, i) => gpuNode(`g-0${i + 1}`).gpu(8));
const FLEET: readonly Member[] = [
  ...[...WORKERS, ...GPU_NODES].map(well),
  { now: worker("w-39").unknown(), before: worker("w-39"), failed: 6 * MINUTE + 20 * SECOND },
  {
    now: worker("w-40").unknown().taint("ToBeDeletedByClusterAutoscaler"),
    before: worker("w-40"),
    failed: 2 * MINUTE,
  },
  {
    now: gpuNode("g-08").gpu(8, { allocatable: 7 }),
    before: gpuNode("g-08").gpu(8),
    failed: 4 * MINUTE,
  },
];

const at = (ago: number) => ({ now: NOW - ago, observed: DAY - ago });

/** The record that a worker keeps of it. */
function recordOf({ now, before, failed }: Member): NodeRecord {
  const first = judge(before.snapshot(), { record: undefined, damaged: false }, RULES, at(HOUR)).after;
  return judge(now.snapshot(), { record: first, damaged: false }, RULES, at(failed)).after;
}

test("the sample of `status` in docs/cli.md is what the command prints", () => {
  const records = new Map(FLEET.map((member) => [member.now.snapshot().name, recordOf(member)]));
  const nodes = [
    ...FLEET.map(({ now }) => ({ snapshot: now.snapshot(), selected: true })),
    { snapshot: aNode("control-1").controlPlane().snapshot(), selected: false },
  ];
  const view = { observed: DAY, age: 2 * SECOND, steady: HOUR };
  const summary = fleetSummary(nodes, { records, view }, RULES, NOW);
  expectSample("docs/cli.md", "node-agent status", statusText(summary, "prod-lon1"));
});
