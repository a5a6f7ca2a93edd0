import { expect, test } from "vitest";
import { createCheckers } from "@node-agent/shared/core/checkers/registry.ts";
import { explain } from "@node-agent/shared/core/explain.ts";
import { judge } from "@node-agent/shared/core/judge.ts";
import type { NodeRecord } from "@node-agent/shared/core/record.ts";
import { fleetHealth } from "@node-agent/shared/core/storm/fleet.ts";
import { HOUR } from "@node-agent/shared/core/time.ts";
import { aNode, type NodeBuilder } from "@node-agent/shared/testing/builders.ts";
import { explanationText } from "../../../packages/cli/src/explain-text.ts";
import { paletteFor } from "../../../packages/cli/src/text.ts";
import { ACTIVE, NOON } from "../core/timeline.ts";

const rules = { policy: ACTIVE, checkers: createCheckers(ACTIVE) };

function explained(...looks: readonly NodeBuilder[]) {
  let record: NodeRecord | undefined;
  for (const look of looks) {
    const clock = { now: NOON - HOUR, observed: HOUR };
    record = judge(look.snapshot(), { record, damaged: false }, rules, clock).after;
  }
  const last = looks.at(-1) ?? aNode();
  return explain({
    name: "node-1",
    rules,
    now: NOON,
    observed: 2 * HOUR,
    viewAge: 0,
    record,
    damaged: false,
    node: { state: "Found", snapshot: last.snapshot() },
    fleet: { state: "Seen", health: fleetHealth([]), lookedAfter: true },
    ledger: { state: "Unread", why: "not asked" },
    hosting: { state: "Unread", why: "not asked" },
  });
}

test("explain says which checker skips a node that it judged before, since when and why", () => {
  const moved = aNode().gpu(8).resource("nvidia.com/gpu", 0).label("nvidia.com/dra-kubelet-plugin", "true");
  const explanation = explained(aNode().gpu(8), moved);
  expect(explanation.skipped).toEqual([{ checker: "GPU", reason: "AllocatedByDRA", since: NOON - HOUR }]);
  expect(explanationText(explanation, paletteFor(false))).toMatch(
    /^Not judged\s+GPU: AllocatedByDRA since .+; no repair follows from it$/mu,
  );
});

test("explain says nothing of checkers that never applied", () => {
  const explanation = explained(aNode(), aNode());
  expect(explanation.skipped).toEqual([]);
  expect(explanationText(explanation, paletteFor(false))).not.toContain("Not judged");
});
