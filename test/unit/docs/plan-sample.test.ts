import { test } from "vitest";
import { createCheckers } from "@node-agent/shared/core/checkers/registry.ts";
import { judge, type Rules } from "@node-agent/shared/core/judge.ts";
import { clocksOf } from "@node-agent/shared/core/ledger/clocks.ts";
import { emptyLedger } from "@node-agent/shared/core/ledger/steps.ts";
import { censusOf } from "@node-agent/shared/core/plan/census.ts";
import { plan, type PlannedNode } from "@node-agent/shared/core/plan/plan.ts";
import { DEFAULT_POLICY } from "@node-agent/shared/core/policy.ts";
import { DAY, HOUR, MINUTE, SECOND, type Millis } from "@node-agent/shared/core/time.ts";
import { aNode, type NodeBuilder } from "@node-agent/shared/testing/builders.ts";
import { planText } from "../../../packages/cli/src/plan-text.ts";
import { expectSample } from "./markdown.ts";

const NOW = Date.UTC(2026, 10, 23, 9, 8, 45);
const POLICY = { ...DEFAULT_POLICY, monitorOnly: false };
const RULES: Rules = { policy: POLICY, checkers: createCheckers(POLICY) };

const zoned = (name: string, zone: string): NodeBuilder =>
  aNode(name).pool("workers").label("topology.kubernetes.io/zone", zone);

const at = (before: Millis) => ({ now: NOW - before, observed: DAY - before });

/** A node that was well, and has failed for so long. */
function failed(well: NodeBuilder, ago: Millis): PlannedNode {
  const first = judge(well.snapshot(), { record: undefined, damaged: false }, RULES, at(2 * HOUR)).after;
  const snapshot = well.unknown().snapshot();
  const { after } = judge(snapshot, { record: first, damaged: false }, RULES, at(ago));
  return { record: after, snapshot };
}

const number = (i: number): string => String(i + 1).padStart(2, "0");
const IN_A = Array.from({ length: 40 }, (_, i) => zoned(`a-${number(i)}`, "lon1-a"));
const IN_B = Array.from({ length: 40 }, (_, i) => zoned(`b-${number(i)}`, "lon1-b"));

test("the sample of `plan` in docs/cli.md is what the command prints", () => {
  const lost = IN_B.slice(0, 12).map((node) => failed(node, 9 * MINUTE));
  const alone = [failed(IN_A[6]!, 6 * MINUTE), failed(IN_A[11]!, 5 * MINUTE + 10 * SECOND)];
  const young = failed(IN_A[30]!, 2 * MINUTE);
  const made = plan({
    nodes: [...lost, ...alone, young],
    census: censusOf([...IN_A, ...IN_B].map((node) => node.snapshot())),
    ledger: { state: "Trusted", ledger: emptyLedger("c", "w", NOW - DAY), clocks: clocksOf([NOW]) },
    rules: RULES,
    selects: () => true,
    view: { now: NOW, observed: DAY, age: SECOND, steady: DAY },
    horizon: 0,
  });
  expectSample("docs/cli.md", "node-agent plan", planText(made, { cluster: "prod-lon1", mode: "active" }));
});
