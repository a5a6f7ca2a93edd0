import { describe, expect, test } from "vitest";
import { eventually } from "../support/eventually.ts";
import { useTopology } from "../support/topology.ts";

// The key of the cloud is there, as in a deployment that is about to be switched on: nothing but the mode protects it.
const topology = useTopology({
  pools: [
    { name: "standard", nodeNames: ["sick"] },
    { name: "gpu", nodeNames: ["gpu-sick"], gpus: 8 },
  ],
  config: { monitorOnly: true },
});

describe("monitor-only", () => {
  test.each([
    { node: "sick", fault: "not-ready", failing: ["NodeReady/KubeletNotReady"] },
    { node: "gpu-sick", fault: "lose-gpus", failing: ["GPU/NoAllocatableGPU"] },
  ])("reports the reboot that it would have made for $fault", async ({ node, fault, failing }) => {
    await topology().simulator.break(node, fault);
    await eventually(
      async () => {
        const record = await topology().record(node);
        expect(record).toMatchObject({ phase: "WaitingReboot", monitorOnly: true });
        expect(record?.lastReboot).toMatchObject({ outcome: "Simulated", number: 1 });
      },
      { within: 30_000 },
    );
    const { instanceId } = await topology().simulator.node(node);
    const reported = topology().logs({ event: "RebootRequested", node });
    expect(reported).toMatchObject([{ mode: "monitor", instanceId, failing }]);
    await eventually(async () => {
      const job = await topology().pendingReboot(node);
      expect(job?.progress).toMatchObject({ waitsFor: "WaitWindow" });
    });
  });

  test("counts what it would have done under mode monitor, and nothing under mode active", async () => {
    const actions = "civo_node_agent_recovery_actions_total";
    expect(await topology().sum("worker", actions, { mode: "monitor", action: "Reboot" })).toBe(2);
    expect(await topology().sum("worker", actions, { mode: "active" })).toBe(0);
    expect(await topology().sum("worker", "civo_node_agent_monitor_only")).toBe(1);
  });

  test("never calls the cloud, not even to read", async () => {
    expect(await topology().simulator.requests("civo")).toEqual([]);
    expect(await topology().simulator.reboots()).toEqual([]);
  });
});
