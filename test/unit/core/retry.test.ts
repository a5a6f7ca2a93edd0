import { describe, expect, test } from "vitest";
import { judge } from "@node-agent/shared/core/judge.ts";
import { createCheckers } from "@node-agent/shared/core/checkers/registry.ts";
import { retried, RETRY_ANNOTATION, retryOrderedAt } from "@node-agent/shared/core/retry.ts";
import { HOUR, MINUTE } from "@node-agent/shared/core/time.ts";
import { aNode } from "@node-agent/shared/testing/builders.ts";
import { ACTIVE, NOON, Timeline } from "./timeline.ts";

const iso = (at: number): string => new Date(at).toISOString();
const order = (value: string): number | undefined =>
  retryOrderedAt(aNode().annotation(RETRY_ANNOTATION, value).snapshot(), NOON);

describe("the order", () => {
  test.each([
    [iso(NOON), NOON],
    [iso(NOON - HOUR).replace(".000Z", "Z"), NOON - HOUR],
    [iso(NOON + 1), undefined],
    ["yes", undefined],
    ["", undefined],
    ["2026-13-45T00:00:00Z", undefined],
    ["12", undefined],
  ])("%s is read as %s", (value, at) => expect(order(value)).toBe(at));

  test("is none without the annotation", () =>
    expect(retryOrderedAt(aNode().snapshot(), NOON)).toBeUndefined());
});

/** A node that was given up after its attempts. */
function failed(): Timeline {
  const life = new Timeline({ maxAttempts: 2 });
  life.judge();
  life.judge({ NodeReady: "Fail" });
  for (let i = 0; i < 2; i += 1) {
    life.pass(20 * MINUTE).judge({ NodeReady: "Fail" });
    life.reboot();
  }
  life.pass(20 * MINUTE).judge({ NodeReady: "Fail" });
  expect(life.record.phase).toBe("Failed");
  return life;
}

describe("a node that was given up", () => {
  test("is repaired again after the order, with all its attempts, and keeps its wait", () => {
    const life = failed();
    life.node = { ...life.node, retryAt: life.now };
    expect(life.judge({ NodeReady: "Fail" })).toMatchObject({
      phase: "Unhealthy",
      incident: { attempts: 0 },
      retriedAt: life.now,
      lastReboot: { number: 2 },
    });
    expect(life.step()).toMatchObject({ step: "CallExecutor" });
    life.reboot();
    expect(life.record.incident?.attempts).toBe(1);
    expect(life.step()).toMatchObject({ gate: "WaitWindow" });
  });

  test("is given up again after its attempts: an order counts once", () => {
    const life = failed();
    life.node = { ...life.node, retryAt: life.now };
    for (let i = 0; i < 2; i += 1) {
      life.pass(20 * MINUTE).judge({ NodeReady: "Fail" });
      life.reboot();
    }
    expect(life.pass(20 * MINUTE).judge({ NodeReady: "Fail" }).phase).toBe("Failed");
  });

  test("and was ordered so before its attempts stays given up", () => {
    const life = failed();
    const at = NOON - HOUR;
    expect(retried({ ...life.record, retriedAt: at }, at)).toMatchObject({ incident: { attempts: 2 } });
  });
});

test("the annotation of a node reaches its record by a judgement", () => {
  const rules = { policy: ACTIVE, checkers: createCheckers(ACTIVE) };
  const node = aNode()
    .annotation(RETRY_ANNOTATION, iso(NOON - MINUTE))
    .snapshot();
  const { after } = judge(node, { record: undefined, damaged: false }, rules, { now: NOON, observed: HOUR });
  expect(after.retriedAt).toBe(NOON - MINUTE);
});
