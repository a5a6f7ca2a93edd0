import { describe, expect, test } from "vitest";
import { historyOf } from "@node-agent/shared/core/record.ts";
import { Timeline } from "./timeline.ts";

describe("what a record remembers of GPUs", () => {
  test("GPUs that a DRA driver hands out from now on are no standard any more", () => {
    const life = new Timeline();
    life.judge({}, { gpuNode: true, gpuUnits: 8, gpu: { units: 8 } });
    const record = life.judge({ GPU: "Skip" }, { gpuNode: true, gpuForgotten: true, gpu: {} });
    expect(record).toMatchObject({ gpuNode: true, gpuHighWater: 0, gpu: {} });
  });

  test("a number of units that an older version counted as GPUs proves none", () => {
    const life = new Timeline();
    const { gpu: _gpu, ...old } = life.judge({}, { gpuNode: true, gpuUnits: 16, gpu: { units: 16 } });
    expect(historyOf(old, "uid-1", life.now)).toMatchObject({ gpuHighWater: 0, gpu: { units: 16 } });
  });
});
