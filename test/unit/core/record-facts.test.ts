import { describe, expect, test } from "vitest";
import { historyOf } from "@node-agent/shared/core/record.ts";
import { MINUTE } from "@node-agent/shared/core/time.ts";
import { NOON, Timeline } from "./timeline.ts";

describe("facts that outlive phases", () => {
  test("pool and provider id follow the node, and a pool label that is gone is gone", () => {
    const life = new Timeline();
    life.node = { ...life.node, pool: "blue" };
    expect(life.judge()).toMatchObject({ pool: "blue", providerId: "civo://vm-a", bootId: "boot-1" });
    const { pool: _pool, providerId: _id, bootId: _boot, ...bare } = life.node;
    life.node = bare;
    const record = life.judge();
    expect(record).not.toHaveProperty("pool");
    expect(record).toMatchObject({ providerId: "civo://vm-a", bootId: "boot-1" });
    expect(record).not.toHaveProperty("bootSeenAt");
  });

  test("once Ready, once seen with GPUs and the most GPUs seen are never forgotten", () => {
    const life = new Timeline();
    life.judge({}, { gpuNode: true, gpuUnits: 8, gpu: { units: 8 } });
    const record = life.judge({ NodeReady: "Fail" }, { gpuUnits: 2, gpu: { units: 8 } });
    expect(historyOf(record, "uid-1", life.now)).toEqual({
      at: life.now,
      firstSeenAt: NOON,
      everReady: true,
      gpuNode: true,
      gpuHighWater: 8,
      gpu: { units: 8 },
    });
  });

  test.each([
    ["a node never seen", false, "uid-1"],
    ["another uid", true, "uid-2"],
  ])("the memory of %s is empty", (_, known, uid) => {
    const record = known ? new Timeline().judge({ NodeReady: "Fail" }) : undefined;
    expect(historyOf(record, uid, NOON)).toEqual({
      at: NOON,
      firstSeenAt: NOON,
      everReady: false,
      gpuNode: false,
      gpuHighWater: 0,
    });
  });

  test("a node once seen with GPUs waits 40 minutes, also when every GPU and label is lost", () => {
    const life = new Timeline();
    life.judge({}, { gpuNode: true, gpuUnits: 8 });
    life.judge({ GPU: "Fail" });
    life.pass(10 * MINUTE).reboot();
    expect(life.record.lastReboot!.waitUntil).toBe(life.now + 40 * MINUTE);
    expect(life.pass(40 * MINUTE - 1).judge({ GPU: "Fail" }).phase).toBe("WaitingReboot");
    expect(life.pass(1).judge({ GPU: "Fail" }).phase).toBe("Unhealthy");
  });
});
