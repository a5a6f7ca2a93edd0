import { beforeAll, describe, expect, test } from "vitest";
import { TIMES } from "../support/agent-config.ts";
import { eventually } from "../support/eventually.ts";
import { useTopology } from "../support/topology.ts";
import type { OracleReboot } from "../support/topology-simulator.ts";

const topology = useTopology({
  pools: [
    // One node of each pool stays well: a pool that is down as a whole would hold every reboot.
    { name: "standard", nodeNames: ["ready", "disk", "cilium", "blip", "stubborn", "twice", "well"] },
    { name: "gpu", nodeNames: ["gpu-lost", "gpu-kubelet", "gpu-well"], gpus: 8 },
  ],
});
const within = 60_000;
/** When each node was broken, in the time of the machine that all processes share. */
const brokenAt = new Map<string, number>();

async function breakNow(node: string, fault: string, options: Record<string, unknown> = {}): Promise<void> {
  brokenAt.set(node, Date.now());
  await topology().simulator.break(node, fault, options);
}

/** The reboots of a node that has recovered; the first of them came no sooner than the threshold allows. */
async function reboots(node: string, checker: keyof typeof TIMES.threshold): Promise<OracleReboot[]> {
  const made = await topology().recovered(node);
  expect(made[0]?.requestAt).toBeGreaterThanOrEqual(
    (brokenAt.get(node) ?? Infinity) + TIMES.threshold[checker],
  );
  return made;
}

// What takes longest begins first; the nodes do not know of each other.
beforeAll(async () => {
  await breakNow("gpu-lost", "lose-gpus", { gpus: 1, curedByReboot: 2 });
  await breakNow("twice", "not-ready", { curedByReboot: 2 });
  await breakNow("stubborn", "not-ready", { curedByReboot: false });
});

describe("a node that fails past its threshold", () => {
  test("NotReady is rebooted once, and recovers", async () => {
    await breakNow("ready", "not-ready");
    expect(await reboots("ready", "NodeReady")).toHaveLength(1);
    const record = await topology().record("ready");
    expect(record?.incident).toBeUndefined();
    expect(record?.lastReboot).toMatchObject({ outcome: "Accepted", number: 1 });
  });

  test("I-17: a kubelet that falls silent, of which no event tells any more, is rebooted once, and recovers", async () => {
    await breakNow("gpu-kubelet", "kubelet-dead");
    expect(await reboots("gpu-kubelet", "NodeReady")).toHaveLength(1);
  });

  test("DiskPressure waits its own threshold", async () => {
    await breakNow("disk", "disk-pressure");
    expect(await reboots("disk", "DiskPressure")).toHaveLength(1);
  });

  test("the taint of a missing Cilium agent waits its own threshold", async () => {
    await breakNow("cilium", "cilium-taint");
    expect(await reboots("cilium", "Cilium")).toHaveLength(1);
  });

  test("lost GPUs wait the GPU threshold, and the GPU wait before the second reboot", async () => {
    const [first, second, ...more] = await reboots("gpu-lost", "GPU");
    expect(more).toEqual([]);
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
    expect(await reboots("twice", "NodeReady")).toHaveLength(2);
  });

  test("is Failed after its last attempt and its wait, without a pending reboot, until it recovers", async () => {
    await eventually(async () => expect((await topology().record("stubborn"))?.phase).toBe("Failed"), {
      within,
    });
    const made = await topology().simulator.reboots("stubborn");
    expect(made).toHaveLength(3);
    const failedAt = (await topology().record("stubborn"))?.phaseSince ?? 0;
    expect(failedAt).toBeGreaterThanOrEqual((made.at(-1)?.at ?? Infinity) + TIMES.wait.standard);
    await eventually(async () => expect(await topology().pendingReboot("stubborn")).toBeUndefined());
    await eventually(() =>
      expect(topology().logs({ event: "NodeFailed", node: "stubborn" })).toHaveLength(1),
    );

    await topology().simulator.heal("stubborn");
    expect(await topology().recovered("stubborn")).toHaveLength(3);
    expect((await topology().record("stubborn"))?.incident).toBeUndefined();
  });
});
