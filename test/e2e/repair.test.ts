import { describe, expect, test } from "vitest";
import { TIMES } from "../support/agent-config.ts";
import { eventually } from "../support/eventually.ts";
import { useTopology } from "../support/topology.ts";

const topology = useTopology({
  pools: [
    { name: "standard", nodeNames: ["ready", "disk", "cilium", "blip", "stubborn", "twice"] },
    { name: "gpu", nodeNames: ["gpu-lost", "gpu-kubelet"], gpus: 8 },
  ],
});
const within = 60_000;

/** Breaks a node and returns when that was, in the time of the machine that all processes share. */
async function breakNow(node: string, fault: string, options: Record<string, unknown> = {}): Promise<number> {
  const at = Date.now();
  await topology().simulator.break(node, fault, options);
  return at;
}

describe("a node that fails past its threshold", () => {
  test("NotReady is rebooted once, and recovers", async () => {
    const brokenAt = await breakNow("ready", "not-ready");
    const [reboot, ...more] = await topology().recovered("ready");
    expect(more).toEqual([]);
    expect(reboot?.requestAt).toBeGreaterThanOrEqual(brokenAt + TIMES.threshold.NodeReady);
    const record = await topology().record("ready");
    expect(record?.incident).toBeUndefined();
    expect(record?.lastReboot).toMatchObject({ outcome: "Accepted", number: 1 });
  });

  test("a kubelet that falls silent is rebooted once, and recovers", async () => {
    await breakNow("gpu-kubelet", "kubelet-dead");
    expect(await topology().recovered("gpu-kubelet")).toHaveLength(1);
  });

  test("DiskPressure waits its own threshold", async () => {
    const brokenAt = await breakNow("disk", "disk-pressure");
    const [reboot, ...more] = await topology().recovered("disk");
    expect(more).toEqual([]);
    expect(reboot?.requestAt).toBeGreaterThanOrEqual(brokenAt + TIMES.threshold.DiskPressure);
  });

  test("the taint of a missing Cilium agent waits its own threshold", async () => {
    const brokenAt = await breakNow("cilium", "cilium-taint");
    const [reboot, ...more] = await topology().recovered("cilium");
    expect(more).toEqual([]);
    expect(reboot?.requestAt).toBeGreaterThanOrEqual(brokenAt + TIMES.threshold.Cilium);
  });

  test("lost GPUs wait the GPU threshold, and the GPU wait before the second reboot", async () => {
    const brokenAt = await breakNow("gpu-lost", "lose-gpus", { gpus: 1, curedByReboot: 2 });
    const [first, second, ...more] = await topology().recovered("gpu-lost");
    expect(more).toEqual([]);
    expect(first?.requestAt).toBeGreaterThanOrEqual(brokenAt + TIMES.threshold.GPU);
    expect(second?.requestAt).toBeGreaterThanOrEqual((first?.at ?? Infinity) + TIMES.wait.gpu);
  });
});

test("recovery before the threshold leaves no pending reboot and makes no call", async () => {
  await breakNow("blip", "disk-pressure");
  const job = await eventually(async () => {
    const pending = await topology().pendingReboot("blip");
    expect(pending?.delay).toBeGreaterThan(0);
    return pending;
  });
  expect((await topology().record("blip"))?.phase).toBe("Unhealthy");
  expect(job?.data).toEqual({ schema: 1, node: "blip" });
  await topology().simulator.heal("blip");
  expect(await topology().recovered("blip")).toEqual([]);
  expect(await topology().rebootCalls("blip")).toEqual([]);
});

describe("a node that still fails after the wait", () => {
  test("is rebooted again after the whole wait, and recovers", async () => {
    await breakNow("twice", "not-ready", { curedByReboot: 2 });
    expect(await topology().recovered("twice")).toHaveLength(2);
  });

  test("is Failed after its last attempt and its wait, without a pending reboot, until it recovers", async () => {
    await breakNow("stubborn", "not-ready", { curedByReboot: false });
    await eventually(async () => expect((await topology().record("stubborn"))?.phase).toBe("Failed"), {
      within,
    });
    const reboots = await topology().simulator.reboots("stubborn");
    expect(reboots).toHaveLength(3);
    const failedAt = (await topology().record("stubborn"))?.phaseSince ?? 0;
    expect(failedAt).toBeGreaterThanOrEqual((reboots.at(-1)?.at ?? Infinity) + TIMES.wait.standard);
    await eventually(async () => expect(await topology().pendingReboot("stubborn")).toBeUndefined());
    expect(topology().logs({ event: "NodeFailed", node: "stubborn" })).toHaveLength(1);

    await topology().simulator.heal("stubborn");
    expect(await topology().recovered("stubborn")).toHaveLength(3);
    expect((await topology().record("stubborn"))?.incident).toBeUndefined();
  });
});
