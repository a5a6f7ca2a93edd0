import { describe, expect, test } from "vitest";
import { noticesOf } from "@node-agent/shared/core/notices/list.ts";
import { countRecords } from "@node-agent/shared/core/record-gauges.ts";
import type { NodeRecord } from "@node-agent/shared/core/record.ts";
import { HOUR, MINUTE } from "@node-agent/shared/core/time.ts";
import { createMetrics } from "@node-agent/shared/runtime/metrics/metrics.ts";
import { aNode } from "@node-agent/shared/testing/builders.ts";
import { NodeLife } from "./node-life.ts";
import { Timeline } from "./timeline.ts";

const MIG = "nvidia.com/mig.config.state";

/** So many flaps, and the reasons of the notices that each judgement brings. */
function flap(life: Timeline, times: number): string[] {
  const noticed: string[] = [];
  let before: NodeRecord | undefined;
  for (let i = 0; i < times; i += 1) {
    for (const verdicts of [{ GPU: "Fail" } as const, {}]) {
      const after = life.pass(MINUTE).judge(verdicts);
      noticed.push(...noticesOf(before, after, life.now).map(({ reason }) => reason));
      before = after;
    }
  }
  return noticed;
}

describe("a node that flaps is noticed", () => {
  test("once when the threshold is reached, and again after it calmed down", () => {
    const life = new Timeline();
    expect(flap(life, 4)).toEqual([]);
    expect(flap(life, 8)).toEqual(["NodeFlapping"]);
    life.pass(HOUR).judge();
    expect(flap(life, 5)).toEqual(["NodeFlapping"]);
  });

  test("with the checker and the count, and not again by the same record", () => {
    const life = new Timeline();
    flap(life, 4);
    const before = life.pass(MINUTE).judge({ GPU: "Fail" });
    const after = life.judge();
    const [event] = noticesOf(before, after, life.now);
    expect(event).toMatchObject({ reason: "NodeFlapping", type: "Warning" });
    expect(event?.message).toContain("GPU 5 times");
    expect(noticesOf(after, after, life.now)).toEqual([]);
  });

  test("and counted per pool and checker while it flaps", () => {
    const life = new Timeline();
    life.node = { ...life.node, pool: "blue" };
    flap(life, 5);
    const flapping = { gauge: "flappingNodes", labels: { pool: "blue", checker: "GPU" }, count: 1 };
    expect(countRecords([life.record])).toContainEqual(flapping);
    life.pass(HOUR);
    expect(countRecords([life.judge()])).not.toContainEqual(flapping);
  });

  test("each flap is counted, with the pool", async () => {
    const options = { cluster: "c", role: "worker", monitorOnly: false, perNodeMetrics: false };
    const metrics = createMetrics(options);
    metrics.observeFlap({ node: "node-1", pool: "blue" }, "GPU");
    expect(await metrics.scrape()).toMatch(
      /^civo_node_agent_checker_flaps_total\{.*pool="blue".*checker="GPU".*\} 1$/mu,
    );
  });
});

describe("a relapse is noticed", () => {
  test("once, with the time of health and the repairs so far", () => {
    const life = new Timeline();
    life.judge({ NodeReady: "Fail" });
    life.pass(5 * MINUTE).reboot();
    const well = life.pass(2 * MINUTE).judge();
    const sick = life.pass(12 * MINUTE).judge({ NodeReady: "Fail" });
    const [event] = noticesOf(well, sick, life.now);
    expect(event).toMatchObject({ reason: "NodeRelapsed", type: "Warning" });
    expect(event?.message).toBe("fails again after 12 min of health: the incident goes on after 1 reboot");
    expect(noticesOf(sick, life.pass(MINUTE).judge({ NodeReady: "Fail" }), life.now)).toEqual([]);
  });

  test("and not of a flap without a repair, nor after the cure", () => {
    const life = new Timeline();
    life.judge({ NodeReady: "Fail" });
    const flapped = life.pass(MINUTE).judge();
    expect(noticesOf(flapped, life.judge({ NodeReady: "Fail" }), life.now)).toEqual([]);
    life.pass(4 * MINUTE).reboot();
    const well = life.pass(2 * MINUTE).judge();
    life.pass(30 * MINUTE);
    expect(noticesOf(well, life.judge({ NodeReady: "Fail" }), life.now)).toEqual([]);
  });
});

const working = (node = aNode()) => node.gpu(8).label(MIG, "rebooting");

describe("planned work", () => {
  test("is no evidence: what failed during it does not drain, and a blip after it makes nothing due", () => {
    const life = new NodeLife().sees(aNode().gpu(8));
    life.sees(working().unknown(), 10 * MINUTE).sees(working());
    expect(life.record).not.toHaveProperty("draining");
    life.sees(aNode().gpu(8), MINUTE).sees(aNode().gpu(8).unknown());
    expect(life.record?.failing.NodeReady).not.toHaveProperty("carried");
    expect(life.gate("Threshold").open).toBe(false);
  });

  test("that ends while the node is down gives it the whole threshold, whatever drained before the work", () => {
    const life = new NodeLife().sees(aNode().gpu(8).unknown(), 4 * MINUTE).sees(aNode().gpu(8));
    expect(life.record).toHaveProperty("draining");
    life.sees(working()).sees(aNode().gpu(8).unknown());
    expect(life.record?.failing.NodeReady).not.toHaveProperty("carried");
  });
});
