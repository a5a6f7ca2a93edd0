import { describe, expect, test } from "vitest";
import { dueIn, firstDue, isGivenUp, rebootWaitOf } from "@node-agent/shared/core/due.ts";
import type { CheckerName } from "@node-agent/shared/core/check.ts";
import type { CheckerPolicy, RepairPolicy } from "@node-agent/shared/core/policy.ts";
import { DEFAULT_POLICY } from "@node-agent/shared/core/policy.ts";
import { HOUR, MINUTE, SECOND } from "@node-agent/shared/core/time.ts";
import { ACTIVE, NOON, Timeline, type Verdicts } from "./timeline.ts";

function withRule(checker: CheckerName, rule: Partial<CheckerPolicy>): RepairPolicy {
  const { checkers } = ACTIVE;
  return { ...ACTIVE, checkers: { ...checkers, [checker]: { ...checkers[checker], ...rule } } };
}

describe("a clock per checker", () => {
  test("DiskPressure for 20 minutes and then NotReady for a second does not reboot", () => {
    const life = new Timeline();
    life.judge({ DiskPressure: "Fail" });
    life.pass(20 * MINUTE).judge({ DiskPressure: "Fail", NodeReady: "Fail" });
    life.pass(SECOND).judge({ DiskPressure: "Fail", NodeReady: "Fail" });
    expect(life.step()).toMatchObject({ step: "WaitUntil", gate: "Threshold" });
    life.pass(5 * MINUTE - SECOND - 1);
    expect(life.step().step).toBe("WaitUntil");
    life.pass(1);
    expect(life.step().step).toBe("CallExecutor");
  });

  test.each([
    ["NodeReady", 5],
    ["GPU", 10],
    ["DiskPressure", 30],
    ["Cilium", 10],
  ] as const)("%s is due after %i minutes, to the millisecond", (checker, minutes) => {
    const life = new Timeline();
    life.judge({ [checker]: "Fail" });
    life.pass(minutes * MINUTE - 1);
    expect(life.step()).toMatchObject({ step: "WaitUntil", gate: "Threshold", at: life.now + 1 });
    life.pass(1);
    expect(life.step()).toEqual({ step: "CallExecutor", attempt: 1 });
    life.pass(HOUR);
    expect(life.step().step).toBe("CallExecutor");
  });

  const due: [string, Partial<Record<CheckerName, number>>, CheckerName, number][] = [
    ["one checker", { DiskPressure: 12 }, "DiskPressure", 18],
    ["the shorter threshold wins from an equal start", { DiskPressure: 0, NodeReady: 0 }, "NodeReady", 5],
    [
      "the longer threshold wins when it started early enough",
      { DiskPressure: 27, GPU: 1 },
      "DiskPressure",
      3,
    ],
    ["all four", { NodeReady: 1, GPU: 7, DiskPressure: 26, Cilium: 8 }, "Cilium", 2],
    ["a tie is told by the order of report", { GPU: 4, Cilium: 4 }, "GPU", 6],
  ];
  test.each(due)("the reboot is due at the earliest start + threshold: %s", (_, failedFor, checker, left) => {
    const life = new Timeline();
    const verdicts: Verdicts = {};
    const starts = Object.entries(failedFor) as [CheckerName, number][];
    for (let minute = 30; minute >= 0; minute -= 1) {
      for (const [name, since] of starts) if (since === minute) verdicts[name] = "Fail";
      life.judge(verdicts);
      if (minute > 0) life.pass(MINUTE);
    }
    expect(firstDue(life.record, ACTIVE, life.observed)).toEqual({ checker, in: left * MINUTE });
    expect(dueIn(life.record, ACTIVE, life.observed)).toBe(left * MINUTE);
  });

  test("Unknown <-> False of the same condition keeps the clock and tells the latest reason", () => {
    const life = new Timeline();
    life.judge({ NodeReady: "Fail:KubeletNotReady" });
    life.pass(2 * MINUTE).judge({ NodeReady: "Fail:NodeStatusUnknown" });
    life.pass(2 * MINUTE).judge({ NodeReady: "Fail:NodeStatusNeverUpdated" });
    expect(life.record.failing.NodeReady).toEqual({
      since: NOON,
      sinceObserved: HOUR,
      reason: "NodeStatusNeverUpdated",
    });
    life.pass(MINUTE);
    expect(life.step().step).toBe("CallExecutor");
  });

  test("stops at Skip and starts anew, while the others run on", () => {
    const life = new Timeline();
    life.judge({ GPU: "Fail", DiskPressure: "Fail" });
    life.pass(9 * MINUTE).judge({ GPU: "Skip", DiskPressure: "Fail" });
    expect(life.record.failing).toEqual({
      DiskPressure: { since: NOON, sinceObserved: HOUR, reason: "DiskPressureFail" },
    });
    life.pass(MINUTE).judge({ GPU: "Fail", DiskPressure: "Fail" });
    expect(life.record.failing.GPU?.since).toBe(life.now);
    expect(life.step()).toMatchObject({ gate: "Threshold", at: life.now + 10 * MINUTE });
  });

  test("of a checker that was switched off stops, and does not count while it lasts", () => {
    const life = new Timeline();
    life.judge({ NodeReady: "Fail", DiskPressure: "Fail" });
    life.pass(10 * MINUTE);
    life.policy = withRule("NodeReady", { enabled: false });
    expect(life.step()).toMatchObject({ step: "WaitUntil", gate: "Threshold", at: NOON + 30 * MINUTE });
    life.judge({ NodeReady: "Fail", DiskPressure: "Fail" });
    expect(life.record.failing).not.toHaveProperty("NodeReady");
  });

  test("of a checker whose action is None runs, and asks for nothing", () => {
    const life = new Timeline(withRule("NodeReady", { action: "None" }));
    life.judge({ NodeReady: "Fail" });
    life.pass(HOUR);
    expect(life.record.failing.NodeReady?.since).toBe(NOON);
    expect(dueIn(life.record, life.policy, life.observed)).toBeUndefined();
    expect(life.step()).toMatchObject({ step: "Finish", gate: "ActionNone" });
  });

  test("a changed threshold holds at once", () => {
    const life = new Timeline();
    life.judge({ NodeReady: "Fail" });
    life.pass(2 * MINUTE);
    life.policy = withRule("NodeReady", { threshold: 2 * MINUTE });
    expect(life.step().step).toBe("CallExecutor");
  });
});

describe("only observed time counts", () => {
  test("while every watcher is blind no clock advances", () => {
    const life = new Timeline();
    life.judge({ NodeReady: "Fail" });
    life.pass(4 * MINUTE).passBlind(5 * HOUR);
    life.judge({ NodeReady: "Fail" });
    expect(life.record.failing.NodeReady?.sinceObserved).toBe(HOUR);
    expect(life.step()).toMatchObject({ step: "WaitUntil", gate: "Threshold", at: life.now + MINUTE });
  });

  test("the wait window runs on the wall clock: blindness does not prolong it", () => {
    const life = new Timeline();
    life.judge({ NodeReady: "Fail" });
    life.pass(5 * MINUTE).reboot();
    life.passBlind(10 * MINUTE).judge({ NodeReady: "Fail" });
    expect(life.step()).toEqual({ step: "CallExecutor", attempt: 2 });
  });

  test("an observation clock that was reset under a clock restarts it", () => {
    const life = new Timeline();
    life.judge({ NodeReady: "Fail" });
    life.pass(4 * MINUTE);
    life.observed = 0;
    life.judge({ NodeReady: "Fail" });
    expect(life.record.failing.NodeReady).toMatchObject({ since: life.now, sinceObserved: 0 });
    life.pass(5 * MINUTE - 1);
    expect(life.step().step).toBe("WaitUntil");
    life.pass(1);
    expect(life.step().step).toBe("CallExecutor");
  });

  test("a reset that no judgement has seen yet brings no reboot forward, nor defers it for ages", () => {
    const life = new Timeline();
    life.judge({ NodeReady: "Fail" });
    life.pass(4 * MINUTE);
    life.observed = 0;
    expect(life.step()).toMatchObject({ gate: "Threshold", at: life.now + 5 * MINUTE });
  });

  test("an observation clock that stands still does not restart a clock", () => {
    const life = new Timeline();
    life.judge({ NodeReady: "Fail" });
    life.passBlind(MINUTE).judge({ NodeReady: "Fail" });
    expect(life.record.failing.NodeReady).toMatchObject({ since: NOON, sinceObserved: HOUR });
  });
});

describe("policy", () => {
  test("the defaults are those of the seed agent", () => {
    const { checkers, rebootWait, maxAttempts, monitorOnly } = DEFAULT_POLICY;
    const thresholds = Object.entries(checkers).map(([name, rule]) => [name, rule.threshold / MINUTE]);
    expect(Object.fromEntries(thresholds)).toEqual({ NodeReady: 5, GPU: 10, DiskPressure: 30, Cilium: 10 });
    expect({ rebootWait, maxAttempts, monitorOnly }).toEqual({
      rebootWait: { standard: 10 * MINUTE, gpu: 40 * MINUTE },
      maxAttempts: 3,
      monitorOnly: true,
    });
  });

  test("a GPU node waits 40 minutes, any other 10", () => {
    expect(rebootWaitOf({ gpuNode: true }, ACTIVE)).toBe(40 * MINUTE);
    expect(rebootWaitOf({ gpuNode: false }, ACTIVE)).toBe(10 * MINUTE);
  });

  test("no attempts allowed means that a failing node is given up at once and never rebooted", () => {
    const life = new Timeline({ maxAttempts: 0 });
    expect(life.judge({ NodeReady: "Fail" }).phase).toBe("Failed");
    expect(life.pass(HOUR).step()).toMatchObject({ step: "Finish", gate: "Attempts" });
  });

  test("a record without an incident has used no attempts", () => {
    const life = new Timeline();
    expect(isGivenUp(life.judge(), ACTIVE, life.now, life.observed)).toBe(false);
  });
});
