import { describe, expect, test } from "vitest";
import type { CheckerName } from "@node-agent/shared/core/check.ts";
import type { GateVerdict } from "@node-agent/shared/core/gates/gate.ts";
import { podEvidence, wantsEvidence } from "@node-agent/shared/core/gates/pod-evidence.ts";
import type { NodeEvidence, PodFact } from "@node-agent/shared/core/node-evidence.ts";
import { MINUTE, SECOND, type Millis } from "@node-agent/shared/core/time.ts";
import { Timeline, type Verdicts } from "./timeline.ts";

const NO_DRIVERS: NodeEvidence["gpuDrivers"] = { state: "Read", value: [] };

function sick(verdicts: Verdicts, ran: Millis = 12 * MINUTE): Timeline {
  const life = new Timeline();
  life.judge();
  life.judge(verdicts);
  life.pass(ran).judge(verdicts);
  return life;
}

function ask(life: Timeline, pods: readonly PodFact[], more: Partial<NodeEvidence> = {}): GateVerdict {
  const evidence = { pods: { state: "Read" as const, value: pods }, gpuDrivers: NO_DRIVERS, ...more };
  return podEvidence({ ...life.input, evidence });
}

function pod(agent: PodFact["agent"], over: Partial<PodFact> = {}): PodFact {
  const name = `kube-system/${agent}`;
  return { agent, name, createdAt: 0, ready: false, crashing: false, imageMissing: false, ...over };
}

function young(life: Timeline): PodFact {
  return pod("DevicePlugin", { createdAt: life.now - MINUTE });
}

const NOTHING_OFFERED: Verdicts = { GPU: "Fail:NoAllocatableGPU" };
const SOME_OFFERED: Verdicts = { GPU: "Fail:GPUCountMismatch" };
const TAINTED: Verdicts = { Cilium: "Fail:CiliumAgentNotReady" };

describe("evidence is wanted", () => {
  test.each<[string, Verdicts, boolean]>([
    ["when only GPU asks for the repair", NOTHING_OFFERED, true],
    ["when only Cilium asks", TAINTED, true],
    ["when both ask", { ...NOTHING_OFFERED, ...TAINTED }, true],
    ["not when NodeReady asks as well", { ...NOTHING_OFFERED, NodeReady: "Fail" }, false],
    ["not when nothing fails", {}, false],
  ])("%s", (_, verdicts, wanted) => {
    expect(wantsEvidence(sick(verdicts).input)).toBe(wanted);
  });

  test("not before the threshold, when nothing is asked for yet", () => {
    expect(wantsEvidence(sick(NOTHING_OFFERED, 9 * MINUTE).input)).toBe(false);
  });

  test("when NodeReady fails and has not failed for long enough to ask", () => {
    const life = sick(NOTHING_OFFERED);
    life.judge({ ...NOTHING_OFFERED, NodeReady: "Fail" });
    life.pass(MINUTE).judge({ ...NOTHING_OFFERED, NodeReady: "Fail" });
    expect(wantsEvidence(life.input)).toBe(true);
  });
});

describe("the device plugin's pod", () => {
  test("that is absent is no broken GPU", () => {
    const life = sick(NOTHING_OFFERED);
    expect(ask(life, [])).toMatchObject({ open: false, until: life.now + 90 * SECOND });
    expect(ask(life, [pod("Cilium", { ready: true })])).toMatchObject({ open: false });
  });

  test("need not exist where some units are allocatable: the plugin reports, wherever it runs", () => {
    expect(ask(sick(SOME_OFFERED), [])).toMatchObject({ open: true });
  });

  test.each<[string, Verdicts]>([
    ["nothing", NOTHING_OFFERED],
    ["some units", SOME_OFFERED],
  ])("that was just created, offering %s, has as long as the threshold to come up", (_, verdicts) => {
    const life = sick(verdicts);
    expect(ask(life, [young(life)])).toMatchObject({ open: false, until: life.now + 9 * MINUTE });
  });

  test("that was created in the future holds no longer than one of now", () => {
    const life = sick(NOTHING_OFFERED);
    const forged = pod("DevicePlugin", { createdAt: life.now + 1000 * MINUTE });
    expect(ask(life, [forged])).toMatchObject({ open: false, until: life.now + 10 * MINUTE });
  });

  test.each<[string, Partial<PodFact>]>([
    ["crashes", { crashing: true }],
    ["is old and Ready", { ready: true }],
    ["is old and not Ready", {}],
  ])("that %s is no excuse", (_, over) => {
    expect(ask(sick(NOTHING_OFFERED), [pod("DevicePlugin", over)])).toMatchObject({ open: true });
  });

  test("that was just created and crashes is no excuse", () => {
    const life = sick(NOTHING_OFFERED);
    expect(ask(life, [{ ...young(life), crashing: true }])).toMatchObject({ open: true });
  });

  test("whose image cannot be pulled is no broken GPU", () => {
    const waiting = pod("DevicePlugin", { imageMissing: true });
    expect(ask(sick(NOTHING_OFFERED), [waiting])).toMatchObject({ open: false });
  });

  test("does not matter where a DRA driver allocates the GPUs", () => {
    const gpuDrivers = { state: "Read" as const, value: ["gpu.nvidia.com"] };
    const verdict = ask(sick(NOTHING_OFFERED), [pod("DevicePlugin", { crashing: true })], { gpuDrivers });
    expect(verdict).toMatchObject({ open: false, why: expect.stringContaining("gpu.nvidia.com") as unknown });
  });
});

describe("Cilium's agent", () => {
  test.each<[string, readonly PodFact[], boolean]>([
    ["that is Ready holds the repair: the taint is left over", [pod("Cilium", { ready: true })], false],
    ["that is absent is not installed", [pod("DevicePlugin", { ready: true })], false],
    ["that is not Ready is evidence", [pod("Cilium")], true],
    ["that crashes is evidence", [pod("Cilium", { crashing: true })], true],
  ])("%s", (_, pods, open) => {
    expect(ask(sick(TAINTED), pods).open).toBe(open);
  });

  test("that was just created has as long as the threshold to come up", () => {
    const life = sick(TAINTED);
    const verdict = ask(life, [pod("Cilium", { createdAt: life.now - MINUTE })]);
    expect(verdict).toMatchObject({ open: false, until: life.now + 9 * MINUTE });
  });
});

test("one checker whose agent explains nothing is enough for the repair", () => {
  const both = sick({ ...NOTHING_OFFERED, ...TAINTED });
  const crashing = pod("DevicePlugin", { crashing: true });
  expect(ask(both, [crashing, pod("Cilium", { ready: true })]).open).toBe(true);
  expect(ask(both, [pod("Cilium", { ready: true })]).open).toBe(false);
});

describe("pods", () => {
  const failing: readonly CheckerName[] = ["GPU", "Cilium"];

  test.each(failing)("that could not be read hold a repair of %s, and are read again soon", (checker) => {
    const life = sick({ [checker]: "Fail:NoAllocatableGPU" });
    const verdict = ask(life, [], { pods: { state: "Unread", why: "timeout" } });
    expect(verdict).toMatchObject({ open: false, why: "timeout", until: life.now + 15 * SECOND });
  });

  test.each(failing)("that this process may not read hold nothing of %s", (checker) => {
    const verdict = ask(sick({ [checker]: "Fail:NoAllocatableGPU" }), [], {
      pods: { state: "NotPermitted", why: "RBAC" },
    });
    expect(verdict).toMatchObject({ open: true, why: "RBAC" });
  });

  test("hold nothing before they were read", () => {
    expect(podEvidence(sick(NOTHING_OFFERED).input)).toMatchObject({ open: true });
  });
});
