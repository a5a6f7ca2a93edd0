import { describe, expect, test } from "vitest";
import type { RepairPolicy } from "@node-agent/shared/core/policy.ts";
import { MINUTE } from "@node-agent/shared/core/time.ts";
import { ACTIVE, Timeline } from "./timeline.ts";

const MONITOR: RepairPolicy = { ...ACTIVE, monitorOnly: true };

/** A GPU node in the wait of its second reboot, 11 minutes into it. */
function aRebootedNode(): Timeline {
  const life = new Timeline();
  life.judge({}, { gpuNode: true, gpuUnits: 8 });
  life.judge({ NodeReady: "Fail" });
  life.pass(5 * MINUTE).reboot();
  life.pass(40 * MINUTE).reboot();
  return life.pass(11 * MINUTE);
}

describe("another uid under the same name", () => {
  test("is another node: memory, clocks, incident and phase start anew", () => {
    const life = aRebootedNode();
    life.node = { name: "node-1", uid: "uid-2", providerId: "civo://vm-b", bootId: "boot-9" };
    expect(life.judge({ GPU: "Fail" })).toEqual({
      schema: 1,
      name: "node-1",
      uid: "uid-2",
      providerId: "civo://vm-b",
      bootId: "boot-9",
      phase: "Unhealthy",
      phaseSince: life.now,
      firstSeenAt: life.now,
      everReady: true,
      gpuNode: false,
      gpuHighWater: 0,
      monitorOnly: false,
      failing: { GPU: { since: life.now, sinceObserved: life.observed, reason: "GPUFail" } },
      incident: { id: `uid-2@${life.now}`, startedAt: life.now, attempts: 0 },
      judgedBy: ["NodeReady", "GPU", "DiskPressure", "Cilium"],
    });
  });

  test("sets its own timer, whatever the old one was set to", () => {
    const life = aRebootedNode();
    life.node = { ...life.node, uid: "uid-2", providerId: "civo://vm-b" };
    life.judge({ NodeReady: "Fail" });
    expect(life.actions).toEqual([
      { type: "EnsureReboot", at: life.now + 5 * MINUTE },
      { type: "WakeReboot" },
    ]);
  });

  test("wakes the pending reboot of the old one when it passes", () => {
    const life = aRebootedNode();
    life.node = { ...life.node, uid: "uid-2" };
    expect(life.judge().phase).toBe("Healthy");
    expect(life.actions).toEqual([{ type: "WakeReboot" }]);
  });

  test.each([
    ["the same VM keeps its wait", "civo://vm-a", true],
    ["a node that has no provider id yet may be the same VM and keeps its wait", undefined, true],
    ["another VM has no wait", "civo://vm-b", false],
  ] as const)("%s", (_, providerId, keeps) => {
    const life = aRebootedNode();
    const { lastReboot } = life.record;
    life.node = { name: "node-1", uid: "uid-2", ...(providerId === undefined ? {} : { providerId }) };
    const record = life.judge({ NodeReady: "Fail" });
    expect(record.phase).toBe("Unhealthy");
    expect(record.lastReboot).toEqual(keeps ? lastReboot : undefined);
    expect(record.incident?.attempts).toBe(keeps ? 2 : 0);
    life.pass(5 * MINUTE);
    expect(life.step().step).toBe(keeps ? "WaitUntil" : "CallExecutor");
  });

  test.each([
    ["shows itself as the VM that was rebooted", "civo://vm-a", true],
    ["shows itself as another VM", "civo://vm-b", false],
  ] as const)("a node that %s when its provider id comes", (_, providerId, keeps) => {
    const life = aRebootedNode();
    life.node = { name: "node-1", uid: "uid-2" };
    life.judge({ NodeReady: "Fail" });
    life.node = { ...life.node, providerId };
    const record = life.pass(MINUTE).judge({ NodeReady: "Fail" });
    expect(record.lastReboot?.number).toBe(keeps ? 2 : undefined);
    expect(record.incident?.attempts).toBe(keeps ? 2 : 0);
    expect(record.failing.NodeReady?.since).toBe(life.now - MINUTE);
  });

  test("the repair is due without the wait of another VM, which the plan notices", () => {
    const life = new Timeline();
    life.judge({ NodeReady: "Fail" });
    const token = life.pass(5 * MINUTE).intend(MINUTE);
    life.node = { name: "node-1", uid: "uid-2" };
    life.judge({ NodeReady: "Fail" });
    life.answer(token, "Accepted", 40 * MINUTE);
    expect(life.pass(5 * MINUTE).step()).toMatchObject({ step: "WaitUntil", gate: "WaitWindow" });
    life.node = { ...life.node, providerId: "civo://vm-b" };
    life.judge({ NodeReady: "Fail" });
    expect(life.actions).toEqual([{ type: "EnsureReboot", at: life.now }]);
  });

  test("a reboot made while the provider id was unknown is never taken for one of another VM", () => {
    const life = aRebootedNode();
    life.node = { name: "node-1", uid: "uid-2" };
    life.judge({ NodeReady: "Fail" });
    life.pass(40 * MINUTE).reboot();
    life.node = { ...life.node, providerId: "civo://vm-b" };
    expect(life.judge({ NodeReady: "Fail" }).lastReboot?.outcome).toBe("Accepted");
  });

  test.each([
    ["the same VM", "civo://vm-a", true],
    ["a VM not known to be the same", undefined, false],
    ["another VM", "civo://vm-b", false],
  ] as const)("%s: having GPUs goes with the VM", (_, providerId, gpuNode) => {
    const life = aRebootedNode();
    life.node = { name: "node-1", uid: "uid-2", ...(providerId === undefined ? {} : { providerId }) };
    expect(life.judge()).toMatchObject({ gpuNode, gpuHighWater: 0 });
  });

  test("two nodes whose VMs were never known are not the same GPU node", () => {
    const life = new Timeline();
    life.node = { name: "node-1", uid: "uid-1" };
    life.judge({}, { gpuNode: true });
    life.node = { name: "node-1", uid: "uid-2" };
    expect(life.judge().gpuNode).toBe(false);
  });

  test("an answer to the call of the old uid still finds its reboot", () => {
    const life = new Timeline();
    life.judge({ NodeReady: "Fail" });
    const token = life.pass(5 * MINUTE).intend();
    life.node = { ...life.node, uid: "uid-2" };
    life.judge({ NodeReady: "Fail" });
    expect(life.answer(token, "NotSent", MINUTE)).toMatchObject({
      phase: "Unhealthy",
      incident: { attempts: 0 },
      lastReboot: { outcome: "NotSent" },
    });
  });
});

describe("a change of mode", () => {
  test.each([
    ["monitor-only to active", MONITOR, ACTIVE],
    ["active to monitor-only", ACTIVE, MONITOR],
  ] as const)("from %s restarts the clocks and the pending reboot", (_, before, after) => {
    const life = new Timeline(before);
    life.judge({ NodeReady: "Fail", DiskPressure: "Fail" });
    life.pass(4 * MINUTE);
    life.policy = after;
    const record = life.judge({ NodeReady: "Fail", DiskPressure: "Fail" });
    const clock = { since: life.now, sinceObserved: life.observed };
    expect(record).toMatchObject({
      monitorOnly: after.monitorOnly,
      failing: { NodeReady: clock, DiskPressure: clock },
      incident: { startedAt: life.now, attempts: 0 },
    });
    life.pass(5 * MINUTE - 1);
    expect(life.step()).toMatchObject({ step: "WaitUntil", gate: "Threshold" });
    life.pass(1);
    expect(life.step()).toEqual({ step: "CallExecutor", attempt: 1 });
  });

  test("leads to no call before the node was judged in the new mode", () => {
    const life = new Timeline(MONITOR);
    life.judge({ NodeReady: "Fail" });
    life.pass(60 * MINUTE);
    expect(life.step().step).toBe("CallExecutor");
    life.policy = ACTIVE;
    expect(life.step()).toEqual({
      step: "WaitUntil",
      gate: "Mode",
      why: "judged in monitor-only mode",
      at: life.now + 45_000,
    });
  });

  test.each(["WaitingReboot", "Failed"] as const)(
    "forgets simulated reboots: a node %s by them is Unhealthy",
    (phase) => {
      const life = new Timeline({ ...MONITOR, maxAttempts: 1 });
      life.judge({ NodeReady: "Fail" });
      life.pass(5 * MINUTE).reboot("Simulated");
      life.pass(phase === "Failed" ? 10 * MINUTE : MINUTE).judge({ NodeReady: "Fail" });
      expect(life.record.phase).toBe(phase);
      life.policy = { ...ACTIVE, maxAttempts: 1 };
      const record = life.judge({ NodeReady: "Fail" });
      expect(record).toMatchObject({ phase: "Unhealthy", phaseSince: life.now, incident: { attempts: 0 } });
      expect(record).not.toHaveProperty("lastReboot");
      expect(life.actions).toContainEqual({ type: "EnsureReboot", at: life.now + 5 * MINUTE });
      life.pass(5 * MINUTE);
      expect(life.step()).toEqual({ step: "CallExecutor", attempt: 1 });
    },
  );

  test.each(["Accepted", "Unknown", "Intent"] as const)(
    "keeps the wait and the number of a reboot that was or may have been: %s",
    (outcome) => {
      const life = new Timeline(ACTIVE);
      life.judge({ NodeReady: "Fail" });
      const token = life.pass(5 * MINUTE).intend();
      if (outcome !== "Intent") life.answer(token, outcome);
      const { lastReboot } = life.record;
      life.pass(MINUTE);
      for (const policy of [MONITOR, ACTIVE]) {
        life.policy = policy;
        const record = life.judge({ NodeReady: "Fail" });
        expect(record).toMatchObject({ phase: "WaitingReboot", incident: { attempts: 1 }, lastReboot });
        expect(life.step()).toMatchObject({ gate: "WaitWindow" });
      }
    },
  );

  test("is a human's word: a node given up gets its attempts back", () => {
    const life = new Timeline({ ...ACTIVE, maxAttempts: 1 });
    life.judge({ NodeReady: "Fail" });
    life.pass(5 * MINUTE).reboot();
    life.pass(10 * MINUTE).judge({ NodeReady: "Fail" });
    expect(life.record.phase).toBe("Failed");
    life.policy = { ...MONITOR, maxAttempts: 1 };
    expect(life.judge({ NodeReady: "Fail" })).toMatchObject({
      phase: "Unhealthy",
      phaseSince: life.now,
      incident: { attempts: 0 },
    });
  });

  test("together with a new uid of the same VM forgets a simulated reboot, too", () => {
    const life = new Timeline(MONITOR);
    life.judge({ NodeReady: "Fail" });
    life.pass(5 * MINUTE).reboot("Simulated");
    life.policy = ACTIVE;
    life.node = { ...life.node, uid: "uid-2" };
    expect(life.judge({ NodeReady: "Fail" })).not.toHaveProperty("lastReboot");
  });

  test("on a healthy node changes the mode and nothing else", () => {
    const life = new Timeline(MONITOR);
    const { monitorOnly: _mode, ...before } = life.judge();
    life.policy = ACTIVE;
    expect(life.pass(MINUTE).judge()).toEqual({ ...before, monitorOnly: false });
    expect(life.actions).toEqual([]);
  });
});
