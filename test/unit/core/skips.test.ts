import { describe, expect, test } from "vitest";
import { noticesOf } from "@node-agent/shared/core/notices/list.ts";
import { countRecords } from "@node-agent/shared/core/record-gauges.ts";
import { MINUTE } from "@node-agent/shared/core/time.ts";
import { Timeline } from "./timeline.ts";

const DRA = { GPU: "Skip:AllocatedByDRA" } as const;

describe("a checker that skips a node", () => {
  test("says nothing of a node that it never judged: it does not apply there", () => {
    const life = new Timeline();
    const record = life.judge({ GPU: "Skip:NonGPUNode", Cilium: "Skip:NoCilium" });
    expect(record.judgedBy).toEqual(["NodeReady", "DiskPressure"]);
    expect(record.skipped).toBeUndefined();
    expect(noticesOf(undefined, record, life.now)).toEqual([]);
  });

  test("after it judged it is kept in the record, with since and reason, until it judges again", () => {
    const life = new Timeline();
    life.judge({});
    life.pass(MINUTE);
    const at = life.now;
    expect(life.judge(DRA).skipped).toEqual({ GPU: { since: at, reason: "AllocatedByDRA" } });
    life.pass(MINUTE);
    expect(life.judge(DRA).skipped).toEqual({ GPU: { since: at, reason: "AllocatedByDRA" } });
    expect(life.judge({}).skipped).toBeUndefined();
  });

  test("is noticed once, and again for another reason", () => {
    const life = new Timeline();
    const before = life.judge({});
    const skipped = life.judge(DRA);
    expect(noticesOf(before, skipped, life.now)).toEqual([
      expect.objectContaining({
        reason: "CheckerSkipped",
        type: "Normal",
        message: expect.stringContaining("GPU/AllocatedByDRA") as unknown,
      }),
    ]);
    life.pass(MINUTE);
    expect(noticesOf(skipped, life.judge(DRA), life.now)).toEqual([]);
    const other = life.judge({ GPU: "Skip:GPULayoutUnknown" });
    expect(noticesOf(skipped, other, life.now)).toHaveLength(1);
  });

  test("because the kubelet is silent is no notice: the failure of NodeReady says so", () => {
    const life = new Timeline();
    const before = life.judge({});
    const after = life.judge({ NodeReady: "Fail", DiskPressure: "Skip:DiskPressureUnknown" });
    expect(after.skipped).toHaveProperty("DiskPressure");
    expect(noticesOf(before, after, life.now)).toEqual([]);
  });

  test("is counted per pool, checker and reason, and no longer among the nodes that are judged", () => {
    const life = new Timeline();
    life.judge({});
    const counts = countRecords([life.judge(DRA), new Timeline().judge({})]);
    expect(counts).toContainEqual({
      gauge: "skippedNodes",
      labels: { pool: undefined, checker: "GPU", result: "AllocatedByDRA" },
      count: 1,
    });
    expect(counts).toContainEqual({ gauge: "judgedNodes", labels: { checker: "GPU" }, count: 1 });
    expect(counts).toContainEqual({ gauge: "judgedNodes", labels: { checker: "NodeReady" }, count: 2 });
  });

  test("of another uid is no earlier judgement", () => {
    const life = new Timeline();
    const before = life.judge({});
    life.node = { ...life.node, uid: "uid-2" };
    expect(noticesOf(before, life.judge(DRA), life.now)).toEqual([]);
  });
});
