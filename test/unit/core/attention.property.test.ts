import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { needsAttention } from "@node-agent/shared/core/attention.ts";
import { createCheckers } from "@node-agent/shared/core/checkers/registry.ts";
import { judge, type Judged } from "@node-agent/shared/core/judge.ts";
import type { NodeSnapshot } from "@node-agent/shared/core/node.ts";
import { PLANNED_WORK_MARKS } from "@node-agent/shared/core/planned-work.ts";
import { DEFAULT_POLICY } from "@node-agent/shared/core/policy.ts";
import type { NodeRecord } from "@node-agent/shared/core/record.ts";
import { kindOf } from "@node-agent/shared/core/record-gauges.ts";
import { DAY, MINUTE, SECOND } from "@node-agent/shared/core/time.ts";
import { aNode, type NodeBuilder } from "@node-agent/shared/testing/builders.ts";

const NOW = 1_800_000_000_000;
const policy = { ...DEFAULT_POLICY, expectedGpus: { "pool-1": 8 } };
const rules = { policy, checkers: createCheckers(policy) };

function judged(snapshot: NodeSnapshot, record: NodeRecord | undefined, after: number): Judged {
  return judge(snapshot, { record, damaged: false }, rules, { now: NOW + after, observed: after });
}

type Step = (node: NodeBuilder) => NodeBuilder;
const plain = fc.constantFrom<Step>(
  (node) => node,
  (node) => node.notReady(),
  (node) => node.ready(),
  (node) => node.pool("pool-1"),
  (node) => node.gpu(8),
  (node) => node.gpu(8, { allocatable: 7 }),
  (node) => node.cordoned(),
  (node) => node.taint("node.kubernetes.io/out-of-service"),
);
const marked = fc.constantFrom<Step>(
  ...PLANNED_WORK_MARKS.flatMap(({ key, at, values }) =>
    [...Object.keys(values), "a-value-of-tomorrow"].map((value) => (node: NodeBuilder) => {
      if (at === "label") return node.label(key, value);
      return at === "annotation" ? node.annotation(key, value) : node.taint(key, "NoSchedule", value);
    }),
  ),
);
const step = fc.oneof({ arbitrary: plain, weight: 4 }, { arbitrary: marked, weight: 1 });
const span = fc.oneof(
  fc.integer({ min: SECOND, max: 20 * MINUTE }),
  fc.integer({ min: MINUTE, max: 3 * DAY }),
);

describe("a node that needs no attention", () => {
  test("is judged the same however much time passes, as long as it does not change", () => {
    let calm = 0;
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.array(step, { maxLength: 3 }), span), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 0, max: 2 * DAY }),
        span,
        (looks, age, later) => {
          let record: NodeRecord | undefined;
          let at = 0;
          let last: Judged | undefined;
          let node = aNode().createdAt(NOW - age);
          for (const [steps, gap] of looks) {
            at += gap;
            node = steps.reduce((before, change) => change(before), node);
            last = judged(node.snapshot(), record, at);
            record = last.after;
          }
          if (last === undefined || needsAttention(last.after) || last.timed) return;
          calm += 1;
          const again = judged(node.snapshot(), last.after, at + later);
          expect(again.evaluation.judgements).toEqual(last.evaluation.judgements);
          expect(kindOf(again.after)).toBe(kindOf(last.after));
        },
      ),
      { numRuns: 2000 },
    );
    expect(calm).toBeGreaterThan(100);
  });

  test("had its time to start up: a GPU node without GPUs fails when that is over, though nothing changes", () => {
    const node = aNode().createdAt(NOW).pool("pool-1").label("nvidia.com/gpu.present", "true").snapshot();
    const young = judged(node, undefined, 0);
    expect(young.after.phase).toBe("Healthy");
    expect(young.timed).toBe(true);
    expect(judged(node, young.after, 11 * MINUTE).after.phase).toBe("Unhealthy");
  });
});
