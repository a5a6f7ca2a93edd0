import { describe, expect, test } from "vitest";
import { MINUTE, SECOND } from "@node-agent/shared/core/time.ts";
import type { Phase } from "@node-agent/shared/core/phase.ts";
import { ACTIVE, NOON, Timeline } from "./timeline.ts";

/** A life that ends in the phase: NotReady from the start, wherever the node is not well. */
const LIVES: Record<Exclude<Phase, "Unknown">, () => Timeline> = {
  Healthy: () => {
    const life = new Timeline();
    life.judge();
    return life;
  },
  Unhealthy: () => {
    const life = new Timeline();
    life.judge({ NodeReady: "Fail" });
    return life;
  },
  WaitingReboot: () => {
    const life = LIVES.Unhealthy().pass(5 * MINUTE);
    life.reboot();
    return life;
  },
  Failed: () => {
    const life = new Timeline({ maxAttempts: 1 });
    life.judge({ NodeReady: "Fail" });
    life.pass(5 * MINUTE).reboot();
    life
      .pass(10 * MINUTE)
      .told("StillBad")
      .judge({ NodeReady: "Fail" });
    return life;
  },
};
const PHASES_JUDGED = Object.keys(LIVES) as (keyof typeof LIVES)[];

describe("Unknown", () => {
  test("is left by the first judgement: a passing node is Healthy, a failing one Unhealthy", () => {
    expect(LIVES.Healthy().record).toMatchObject({ phase: "Healthy", everReady: true });
    expect(LIVES.Unhealthy().record).toMatchObject({ phase: "Unhealthy", everReady: false });
  });

  test("a node whose start-up grace still runs stays Unknown, with no clock, no incident and no pending reboot", () => {
    const life = new Timeline();
    const record = life.judge({ NodeReady: "Fail", Cilium: "Fail" }, { undecided: true });
    expect(record).toMatchObject({ phase: "Unknown", failing: {}, firstSeenAt: NOON });
    expect(record).not.toHaveProperty("incident");
    expect(life.actions).toEqual([]);
    expect(life.step()).toMatchObject({ step: "Finish", gate: "NothingFailing" });
  });

  test("time spent in the start-up grace counts for no clock", () => {
    const life = new Timeline();
    life.judge({ NodeReady: "Fail" }, { undecided: true });
    life.pass(10 * MINUTE).judge({ NodeReady: "Fail" });
    expect(life.step()).toMatchObject({ step: "WaitUntil", gate: "Threshold", at: life.now + 5 * MINUTE });
  });

  test("a prolonged grace takes an Unhealthy node back to Unknown and wakes its pending reboot", () => {
    const life = LIVES.Unhealthy();
    const record = life.pass(MINUTE).judge({ NodeReady: "Fail" }, { undecided: true });
    expect(record).toMatchObject({ phase: "Unknown", failing: {}, phaseSince: life.now });
    expect(life.actions).toEqual([{ type: "WakeReboot" }]);
  });
});

describe("Healthy", () => {
  test.each(PHASES_JUDGED)("is entered from %s as soon as every checker passes", (phase) => {
    const life = LIVES[phase]();
    expect(life.record.phase).toBe(phase);
    const record = life.pass(SECOND).judge();
    expect(record).toMatchObject({ phase: "Healthy", failing: {} });
    expect(record).not.toHaveProperty("incident");
  });

  test.each([
    ["Healthy", []],
    ["Unhealthy", [{ type: "WakeReboot" }]],
    ["WaitingReboot", [{ type: "WakeReboot" }]],
    ["Failed", []],
  ] as const)("recovery from %s wakes a pending reboot exactly if there is one", (phase, actions) => {
    const life = LIVES[phase]();
    life.pass(SECOND).judge();
    expect(life.actions).toEqual(actions);
  });

  test("checkers that have nothing to say do not keep a node from being Healthy", () => {
    const life = new Timeline();
    expect(life.judge({ GPU: "Skip", Cilium: "Skip" }).phase).toBe("Healthy");
  });

  test("keeps the latest reboot: a node that flaps is not rebooted again inside the wait window", () => {
    const life = LIVES.WaitingReboot();
    const { waitUntil } = life.record.lastReboot!;
    life.pass(MINUTE).judge();
    life.pass(MINUTE).judge({ NodeReady: "Fail" });
    expect(life.record.phase).toBe("Unhealthy");
    expect(life.actions).toEqual([{ type: "EnsureReboot", at: waitUntil }, { type: "WakeReboot" }]);
    life.pass(7 * MINUTE);
    expect(life.step()).toMatchObject({ step: "WaitUntil", gate: "WaitWindow", at: waitUntil });
    life.pass(MINUTE);
    expect(life.now).toBe(waitUntil);
    expect(life.step()).toEqual({ step: "CallExecutor", attempt: 2 });
  });

  test("the phase since when a node is healthy moves only when the phase changes", () => {
    const life = LIVES.Healthy();
    expect(life.pass(MINUTE).judge().phaseSince).toBe(NOON);
    expect(life.pass(MINUTE).judge({ GPU: "Fail" }).phaseSince).toBe(NOON + 2 * MINUTE);
  });
});

describe("Unhealthy", () => {
  test("a failing checker starts a clock, an incident and one pending reboot at its threshold", () => {
    const life = LIVES.Healthy();
    const record = life.pass(MINUTE).judge({ GPU: "Fail:GPUCountMismatch" });
    expect(record.failing).toEqual({
      GPU: { since: life.now, sinceObserved: life.observed, reason: "GPUCountMismatch" },
    });
    expect(record.incident).toEqual({ id: `uid-1@${life.now}`, startedAt: life.now, attempts: 0 });
    expect(life.actions).toEqual([
      { type: "EnsureReboot", at: life.now + 10 * MINUTE },
      { type: "WakeReboot" },
    ]);
  });

  test("every further judgement ensures the pending reboot again at the same time", () => {
    const life = LIVES.Unhealthy();
    const at = life.now + 5 * MINUTE;
    life.pass(30 * SECOND).judge({ NodeReady: "Fail" });
    expect(life.actions).toEqual([{ type: "EnsureReboot", at }]);
  });

  test("a checker with an earlier due time moves the pending reboot forward", () => {
    const life = new Timeline();
    life.judge({ DiskPressure: "Fail" });
    life.pass(MINUTE).judge({ DiskPressure: "Fail", NodeReady: "Fail" });
    expect(life.actions).toEqual([
      { type: "EnsureReboot", at: life.now + 5 * MINUTE },
      { type: "WakeReboot" },
    ]);
  });

  test("when the earliest checker passes the pending reboot keeps its time and finds nothing due yet", () => {
    const life = new Timeline();
    life.judge({ DiskPressure: "Fail", NodeReady: "Fail" });
    life.pass(4 * MINUTE).judge({ DiskPressure: "Fail" });
    expect(life.actions).toEqual([{ type: "EnsureReboot", at: NOON + 30 * MINUTE }]);
    life.pass(MINUTE);
    expect(life.step()).toMatchObject({
      step: "WaitUntil",
      gate: "Threshold",
      at: NOON + 30 * MINUTE,
      why: "DiskPressure has not failed for long enough",
    });
  });

  test("a timer that went to sleep until a later checker is due is moved forward for an earlier one", () => {
    const life = new Timeline();
    life.judge({ DiskPressure: "Fail", NodeReady: "Fail" });
    life.pass(4 * MINUTE).judge({ DiskPressure: "Fail" });
    life.pass(MINUTE);
    expect(life.step()).toMatchObject({ step: "WaitUntil", at: NOON + 30 * MINUTE });
    life.pass(MINUTE).judge({ DiskPressure: "Fail", NodeReady: "Fail" });
    // Four minutes of failure, less the two in which NodeReady passed.
    expect(life.actions).toEqual([
      { type: "EnsureReboot", at: life.now + 3 * MINUTE },
      { type: "WakeReboot" },
    ]);
  });

  test("a due reboot keeps the pause that a gate of the world gave it", () => {
    const life = LIVES.Unhealthy();
    life.pass(6 * MINUTE).judge({ NodeReady: "Fail" });
    expect(life.actions).toEqual([{ type: "EnsureReboot", at: life.now }]);
  });

  test("a relapse sets its own timer even if the wake-up of the recovery was lost", () => {
    const life = new Timeline();
    life.judge({ DiskPressure: "Fail" });
    life.pass(MINUTE).judge();
    life.pass(MINUTE).judge({ NodeReady: "Fail" });
    expect(life.actions).toEqual([
      { type: "EnsureReboot", at: life.now + 5 * MINUTE },
      { type: "WakeReboot" },
    ]);
  });

  test("a policy without any Reboot action asks for no repair; the plan ends the one that is left", () => {
    const life = LIVES.Unhealthy();
    const { NodeReady } = ACTIVE.checkers;
    life.policy = {
      ...ACTIVE,
      checkers: { ...ACTIVE.checkers, NodeReady: { ...NodeReady, action: "None" } },
    };
    const record = life.pass(MINUTE).judge({ NodeReady: "Fail" });
    expect(record.phase).toBe("Unhealthy");
    expect(life.actions).toEqual([]);
    expect(life.pass(MINUTE).judge({ NodeReady: "Fail" }).failing.NodeReady?.since).toBe(NOON);
    expect(life.actions).toEqual([]);
  });
});

describe("WaitingReboot", () => {
  test("is entered by an intent, which counts at once, and the next is due after the wait", () => {
    const life = LIVES.Unhealthy().pass(5 * MINUTE);
    expect(life.step()).toEqual({ step: "CallExecutor", attempt: 1 });
    const token = life.intend();
    expect(life.record).toMatchObject({
      phase: "WaitingReboot",
      phaseSince: life.now,
      incident: { id: `uid-1@${NOON}`, attempts: 1 },
    });
    expect(life.record.lastReboot).toEqual({
      incidentId: `uid-1@${NOON}`,
      number: 1,
      instanceId: "vm-a",
      token,
      intendedAt: life.now,
      outcome: "Intent",
      detail: "",
      waitUntil: life.now + 10 * MINUTE,
      bootIdBefore: "boot-1",
      providerId: "civo://vm-a",
    });
  });

  test("lasts while the node still fails inside the wait, with the look at its end ensured", () => {
    const life = LIVES.WaitingReboot();
    const { waitUntil } = life.record.lastReboot!;
    const record = life.pass(10 * MINUTE - 1).judge({ NodeReady: "Fail" });
    expect(record.phase).toBe("WaitingReboot");
    expect(life.actions).toEqual([{ type: "EnsureReboot", at: waitUntil }]);
    expect(life.step()).toMatchObject({ step: "WaitUntil", gate: "WaitWindow", at: waitUntil });
  });

  test("ends early, and the incident with it, when all checkers pass", () => {
    const life = LIVES.WaitingReboot();
    life.node = { ...life.node, bootId: "boot-2" };
    const record = life.pass(2 * MINUTE).judge();
    expect(record).toMatchObject({ phase: "Healthy", bootId: "boot-2", bootSeenAt: life.now });
  });

  test("still failing when the wait is over: the next attempt is due at once", () => {
    const life = LIVES.WaitingReboot();
    const record = life.pass(10 * MINUTE).judge({ NodeReady: "Fail" });
    expect(record.phase).toBe("Unhealthy");
    expect(life.actions).toEqual([{ type: "EnsureReboot", at: life.now }]);
    expect(life.step()).toEqual({ step: "CallExecutor", attempt: 2 });
  });

  test("the clocks of a checker that fails only since the reboot still have to pass", () => {
    const life = LIVES.WaitingReboot();
    life.pass(9 * MINUTE).judge({ Cilium: "Fail" });
    life.pass(MINUTE).judge({ Cilium: "Fail" });
    expect(life.step()).toMatchObject({ gate: "Threshold", at: life.now + 9 * MINUTE });
  });

  test("monitor-only runs the same machine and records what it would have done", () => {
    const life = new Timeline({ monitorOnly: true });
    life.judge({ NodeReady: "Fail" });
    for (const attempt of [1, 2, 3]) {
      life.pass(attempt === 1 ? 5 * MINUTE : 0);
      expect(life.step()).toEqual({ step: "CallExecutor", attempt });
      expect(life.reboot("Simulated")).toMatchObject({
        phase: "WaitingReboot",
        lastReboot: { outcome: "Simulated" },
      });
      life.pass(10 * MINUTE).judge({ NodeReady: "Fail" });
    }
    expect(life.record.phase).toBe("Failed");
  });
});

describe("Failed", () => {
  test("is where the third attempt leads when its wait is over, and not before", () => {
    const life = new Timeline();
    life.judge({ NodeReady: "Fail" });
    life.pass(5 * MINUTE).reboot();
    life.pass(10 * MINUTE).reboot();
    life.pass(10 * MINUTE).reboot();
    expect(life.pass(10 * MINUTE - 1).judge({ NodeReady: "Fail" }).phase).toBe("WaitingReboot");
    expect(life.pass(1).judge({ NodeReady: "Fail" })).toMatchObject({
      phase: "Failed",
      incident: { attempts: 3 },
    });
    expect(life.actions).toEqual([{ type: "WakeReboot" }]);
    expect(life.step()).toMatchObject({ step: "WaitUntil", gate: "Verifying" });
    life.told("StillBad");
    expect(life.step()).toMatchObject({ step: "Finish", gate: "Attempts", why: "3 of 3 attempts used" });
  });

  test("asks for a timer until it is told what the last reboot came to", () => {
    const life = new Timeline({ maxAttempts: 1 });
    life.judge({ NodeReady: "Fail" });
    life.pass(5 * MINUTE).reboot();
    expect(life.pass(10 * MINUTE).judge({ NodeReady: "Fail" }).phase).toBe("Failed");
    expect(life.actions).toEqual([{ type: "WakeReboot" }]);
    life.pass(MINUTE).judge({ NodeReady: "Fail" });
    expect(life.actions).toEqual([{ type: "EnsureReboot", at: life.now }]);
  });

  test("is not where an attempt leads that was not carried out, and goes on when that is known late", () => {
    const life = new Timeline({ maxAttempts: 1 });
    life.judge({ NodeReady: "Fail" });
    life.pass(5 * MINUTE).reboot();
    expect(life.pass(10 * MINUTE).judge({ NodeReady: "Fail" }).phase).toBe("Failed");
    life.told("NotExecuted");
    expect(life.record).toMatchObject({ phase: "Unhealthy", incident: { attempts: 0 } });
    expect(life.gate("Attempts")).toMatchObject({
      open: true,
      why: "0 of 1 attempts used; the latest call was not carried out and does not count",
    });
    expect(life.judge({ NodeReady: "Fail" })).toMatchObject({
      phase: "Unhealthy",
      incident: { attempts: 0 },
    });
  });

  test("calls nothing and asks for no timer after that, however long the node fails", () => {
    const life = LIVES.Failed();
    life.pass(600 * MINUTE).judge({ NodeReady: "Fail" });
    expect(life.actions).toEqual([]);
    expect(life.actions).toEqual([]);
    expect(life.step().step).toBe("Finish");
  });

  test("a node that relapses while it boots after its last attempt is not given up before the wait is over", () => {
    const life = new Timeline({ maxAttempts: 1 });
    life.judge({ NodeReady: "Fail" });
    life.pass(5 * MINUTE).reboot();
    life.pass(MINUTE).judge();
    expect(life.pass(MINUTE).judge({ Cilium: "Fail" })).toMatchObject({
      phase: "Unhealthy",
      incident: { attempts: 1 },
    });
    // The wait is over, and the relapse is given up when another reboot would be due.
    expect(life.pass(8 * MINUTE).judge({ Cilium: "Fail" }).phase).toBe("Unhealthy");
    expect(life.pass(2 * MINUTE - 1).step()).toMatchObject({ step: "WaitUntil", gate: "Threshold" });
    expect(life.pass(1).step()).toMatchObject({ step: "WaitUntil", gate: "Verifying" });
    expect(life.judge({ Cilium: "Fail" }).phase).toBe("Failed");
  });

  test("a human who allows more attempts brings it back, and the reboot is due at once", () => {
    const life = LIVES.Failed();
    life.policy = { ...life.policy, maxAttempts: 2 };
    expect(life.judge({ NodeReady: "Fail" }).phase).toBe("Unhealthy");
    expect(life.actions).toEqual([{ type: "EnsureReboot", at: life.now }]);
    expect(life.step()).toEqual({ step: "CallExecutor", attempt: 2 });
  });

  test("a failure after the recovery counted as a cure counts anew, one before it does not", () => {
    const cured = LIVES.Failed();
    cured.judge();
    expect(cured.pass(30 * MINUTE).judge({ NodeReady: "Fail" })).toMatchObject({
      phase: "Unhealthy",
      incident: { attempts: 0 },
    });
    const life = LIVES.Failed();
    life.judge();
    expect(life.pass(30 * MINUTE - 1).judge({ NodeReady: "Fail" })).toMatchObject({
      phase: "Unhealthy",
      incident: { attempts: 1 },
    });
    expect(life.pass(5 * MINUTE).judge({ NodeReady: "Fail" }).phase).toBe("Failed");
  });

  test("a late answer that prolongs the wait of the last attempt does not bring it back", () => {
    const life = new Timeline({ maxAttempts: 1 });
    life.judge({ NodeReady: "Fail" });
    const token = life.pass(5 * MINUTE).intend();
    life.pass(10 * MINUTE).judge({ NodeReady: "Fail" });
    life.answer(token, "Accepted");
    expect(life.record.phase).toBe("Failed");
    expect(life.judge({ NodeReady: "Fail" }).phase).toBe("Failed");
  });
});
