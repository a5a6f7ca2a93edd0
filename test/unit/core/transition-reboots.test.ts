import { describe, expect, test } from "vitest";
import { MINUTE, SECOND } from "@node-agent/shared/core/time.ts";
import { transition } from "@node-agent/shared/core/transition.ts";
import { ACTIVE, NOON, Timeline } from "./timeline.ts";

/** A node that has been NotReady for its threshold: the next step is the call. */
function aDueNode(policy: Partial<typeof ACTIVE> = {}): Timeline {
  const life = new Timeline(policy);
  life.judge({ NodeReady: "Fail" });
  return life.pass(5 * MINUTE);
}

describe("an intent", () => {
  test("left behind by a crash counts as a reboot: it keeps its wait and its number", () => {
    const life = aDueNode();
    life.intend();
    expect(life.pass(9 * MINUTE).judge({ NodeReady: "Fail" }).phase).toBe("WaitingReboot");
    expect(life.step()).toMatchObject({ gate: "WaitWindow", why: "reboot 1 (Intent) keeps its wait" });
    life.pass(MINUTE).judge({ NodeReady: "Fail" });
    expect(life.step()).toEqual({ step: "CallExecutor", attempt: 2 });
  });

  test("applied twice, after the store's reply was lost, counts once", () => {
    const life = aDueNode();
    const event = {
      type: "RebootIntended",
      instanceId: "vm-a",
      token: "same",
      waitUntil: life.now + MINUTE,
    } as const;
    const once = life.apply(event);
    expect(life.pass(SECOND).apply(event)).toEqual(once);
  });

  test("on a record that recovered meanwhile still counts: the call may have happened", () => {
    const life = aDueNode();
    life.judge();
    life.intend();
    expect(life.record).toMatchObject({ phase: "WaitingReboot", incident: { attempts: 1 } });
    expect(life.step()).toMatchObject({ step: "Finish", gate: "NothingFailing" });
    expect(life.judge()).toMatchObject({ phase: "Healthy", lastReboot: { outcome: "Intent" } });
  });

  test("of a node whose ids are unknown leaves them out", () => {
    const life = new Timeline();
    life.node = { name: "node-1", uid: "uid-1" };
    life.judge({ NodeReady: "Fail" });
    life.intend();
    expect(life.record.lastReboot).not.toHaveProperty("bootIdBefore");
    expect(life.record.lastReboot).not.toHaveProperty("providerId");
  });

  test.each(["RebootIntended", "RebootFinished"] as const)("%s without a record is a TypeError", (type) => {
    const event =
      type === "RebootIntended"
        ? ({ type, instanceId: "vm-a", token: "t", waitUntil: NOON } as const)
        : ({ type, token: "t", outcome: "Accepted", detail: "", waitUntil: NOON } as const);
    expect(() => transition(undefined, event, ACTIVE, NOON)).toThrow(
      new TypeError(`${type} needs a record, and there is none`),
    );
  });
});

describe("an answer", () => {
  test.each(["Accepted", "Unknown", "Simulated"] as const)(
    "%s keeps the attempt and starts the wait from the answer",
    (outcome) => {
      const life = aDueNode();
      const token = life.intend();
      const record = life.pass(8 * SECOND).answer(token, outcome);
      expect(record).toMatchObject({
        phase: "WaitingReboot",
        incident: { attempts: 1 },
        lastReboot: { outcome, detail: "answer", waitUntil: life.now + 10 * MINUTE, number: 1 },
      });
    },
  );

  test.each(["NotSent", "Rejected"] as const)(
    "%s is not counted: the node is Unhealthy again, and the same attempt is made after the pause",
    (outcome) => {
      const life = aDueNode({ maxAttempts: 1 });
      const token = life.intend();
      const record = life.pass(SECOND).answer(token, outcome, MINUTE);
      expect(record).toMatchObject({
        phase: "Unhealthy",
        phaseSince: life.now,
        incident: { attempts: 0 },
      });
      life.judge({ NodeReady: "Fail" });
      expect(life.actions).toEqual([{ type: "EnsureReboot", at: life.now + MINUTE }]);
      expect(life.step()).toMatchObject({ gate: "WaitWindow", at: life.now + MINUTE });
      life.pass(MINUTE).judge({ NodeReady: "Fail" });
      expect(life.step()).toEqual({ step: "CallExecutor", attempt: 1 });
    },
  );

  test("NotSent gives back only its own attempt", () => {
    const life = aDueNode();
    life.reboot();
    life.pass(10 * MINUTE);
    life.reboot("NotSent");
    expect(life.record.incident?.attempts).toBe(1);
  });

  test.each([
    ["a repeated NotSent", "NotSent", "NotSent"],
    ["an Accepted after NotSent", "NotSent", "Accepted"],
    ["a Rejected after Accepted", "Accepted", "Rejected"],
    ["a NotSent after Unknown", "Unknown", "NotSent"],
  ] as const)("%s to one intent changes nothing: the first answer is the last", (_, first, second) => {
    const life = aDueNode();
    life.reboot();
    const token = life.pass(10 * MINUTE).intend();
    const answered = life.answer(token, first, MINUTE);
    expect(life.pass(SECOND).answer(token, second, 2 * MINUTE)).toEqual(answered);
    expect(life.actions).toEqual([]);
  });

  test("a late answer to an intent that is no longer the latest changes nothing", () => {
    const life = aDueNode();
    const first = life.intend();
    life.pass(10 * MINUTE);
    life.intend();
    const before = life.record;
    expect(life.answer(first, "NotSent")).toEqual(before);
    expect(life.answer("of nobody", "Accepted")).toEqual(before);
  });

  test("an answer to a record that never saw an intent changes nothing", () => {
    const life = aDueNode();
    const before = life.record;
    expect(life.answer("of nobody", "Accepted")).toEqual(before);
  });

  test("an answer after the recovery notes its wait and schedules nothing", () => {
    const life = aDueNode();
    const token = life.intend();
    life.judge();
    const record = life.pass(SECOND).answer(token, "Accepted");
    expect(record).toMatchObject({ phase: "Healthy", lastReboot: { waitUntil: life.now + 10 * MINUTE } });
    expect(record).not.toHaveProperty("incident");
  });

  test("NotSent after the recovery leaves the node Healthy", () => {
    const life = aDueNode();
    const token = life.intend();
    life.judge();
    const record = life.answer(token, "NotSent", MINUTE);
    expect(record).toMatchObject({ phase: "Healthy", lastReboot: { outcome: "NotSent" } });
    expect(record).not.toHaveProperty("incident");
  });

  test("NotSent after recovery and relapse is not counted by the relapse either", () => {
    const life = aDueNode();
    const token = life.intend();
    life.judge();
    life.pass(SECOND).judge({ NodeReady: "Fail" });
    expect(life.record.incident?.attempts).toBe(1);
    expect(life.answer(token, "NotSent", MINUTE)).toMatchObject({
      phase: "Unhealthy",
      incident: { attempts: 0 },
    });
  });

  test("NotSent of an incident long over takes nothing from the present one", () => {
    const life = aDueNode();
    life.reboot();
    const token = life.pass(10 * MINUTE).intend();
    life.judge();
    life.pass(40 * MINUTE).judge({ NodeReady: "Fail" });
    expect(life.answer(token, "NotSent", 0).incident?.attempts).toBe(0);
  });
});

describe("a relapse", () => {
  test.each([
    ["inside the wait of a reboot goes on counting its attempts", "Accepted", 9, 1],
    ["inside the wait of a reboot of unknown outcome goes on counting", "Unknown", 9, 1],
    ["after the wait and before it counts as cured goes on counting", "Accepted", 30, 1],
    ["after it counts as cured counts anew", "Accepted", 31, 0],
    ["after a call that was never sent does not count it", "NotSent", 9, 0],
    ["after a call that was refused does not count it", "Rejected", 9, 0],
  ] as const)("%s", (_, outcome, minutes, attempts) => {
    const life = aDueNode();
    life.reboot(outcome);
    life.pass(MINUTE).judge();
    life.pass((minutes - 1) * MINUTE).judge({ NodeReady: "Fail" });
    expect(life.record).toMatchObject({ phase: "Unhealthy", incident: { attempts, startedAt: life.now } });
  });

  test("a node that flaps through every wait is given up like one that never came up", () => {
    const life = aDueNode();
    for (const attempt of [1, 2, 3]) {
      expect(life.step()).toEqual({ step: "CallExecutor", attempt });
      life.reboot();
      life.pass(MINUTE).judge();
      life.pass(MINUTE).judge({ NodeReady: "Fail" });
      life.pass(8 * MINUTE).judge({ NodeReady: "Fail" });
    }
    expect(life.record.phase).toBe("Failed");
  });
});
