import { afterAll, describe, expect, test } from "vitest";
import { eventsIn } from "../support/cluster-events.ts";
import { TIMES } from "../support/agent-config.ts";
import { eventually } from "../support/eventually.ts";
import { useTopology } from "../support/topology.ts";

/** How long planned work holds here: longer than the work of `changed`, shorter than anybody waits for a test. */
const MAX_AGE = 12_000;
const MIG = "nvidia.com/mig.config.state";
const PLUGIN = "nvidia.com/gpu.deploy.device-plugin";
const DRIVER = "nvidia.com/gpu-driver-upgrade-state";

const topology = useTopology({
  pools: [
    { name: "gpu", nodeNames: ["changed", "upgraded", "stuck", "well"], gpus: 8 },
    { name: "standard", nodeNames: ["control", "quiet"] },
  ],
  config: { plannedWork: { maxAge: `${MAX_AGE}ms` } },
});

const mark = async (node: string, labels: Record<string, string>, more: Record<string, unknown> = {}) =>
  topology().simulator.command({ do: "mark", node, labels, ...more });

const upgrade = async (value: string, more = {}) => mark("upgraded", { [DRIVER]: value }, more);

/** Waits until the pending repair of a node is held by planned work. */
async function untilHeld(node: string): Promise<void> {
  await eventually(
    async () => {
      const progress = (await topology().pendingReboot(node))?.progress;
      expect(progress, node).toMatchObject({ waitsFor: "PlannedWork" });
    },
    { within: 30_000 },
  );
}

describe("planned work of other controllers", () => {
  // It is never rebooted by us, so the simulator's oracle cannot have seen a reboot of a node that is well either.
  test("a change of the MIG layout with a reboot of its own: no reboot of ours, and the node is well at the end", async () => {
    const { simulator } = topology();
    await mark("changed", {
      "nvidia.com/mig.config": "all-1g.10gb",
      [MIG]: "pending",
      [PLUGIN]: "paused-for-mig-change",
    });
    await simulator.break("changed", "device-plugin-dead", { curedByReboot: false });
    await mark("changed", { [MIG]: "rebooting" });
    // The node is down for longer than the threshold of NodeReady, as a real one is: its kubelet does not come up.
    await simulator.break("changed", "kubelet-dead", { curedByReboot: false });
    await simulator.command({ do: "bounce", node: "changed" });
    await untilHeld("changed");
    await simulator.command({ do: "heal", node: "changed", fault: "kubelet-dead" });
    await simulator.command({ do: "heal", node: "changed", fault: "device-plugin-dead" });
    await mark("changed", { [MIG]: "success", [PLUGIN]: "true" });
    expect(await topology().recovered("changed")).toEqual([]);
    expect(await topology().rebootCalls("changed")).toEqual([]);
    expect((await topology().record("changed"))?.lastReboot).toBeUndefined();
  });

  test("an upgrade of the driver that walks through its states: no reboot of ours, and none of a node beside it is held", async () => {
    const { simulator } = topology();
    await upgrade("cordon-required");
    await upgrade("pod-deletion-required", { unschedulable: true });
    await simulator.break("upgraded", "device-plugin-dead", { curedByReboot: false });
    await upgrade("pod-restart-required");
    await simulator.break("control", "not-ready");
    expect(await topology().recovered("control")).toHaveLength(1);
    expect((await topology().record("upgraded"))?.skipped?.GPU?.reason).toBe("DriverUpgrade");
    await simulator.heal("upgraded");
    await upgrade("uncordon-required");
    await upgrade("upgrade-done", { unschedulable: false });
    expect(await topology().recovered("upgraded")).toEqual([]);
  });

  test(
    "work that never ends holds until plannedWork.maxAge, is told, and then the node is rebooted",
    async () => {
      const { simulator } = topology();
      const began = Date.now();
      await mark("stuck", { [MIG]: "rebooting" });
      await simulator.break("stuck", "not-ready");
      await untilHeld("stuck");
      expect(
        await topology().sum("worker", "civo_node_agent_planned_work_nodes", { mark: MIG, state: "held" }),
      ).toBeGreaterThan(0);
      expect(await topology().rebootCalls("stuck")).toEqual([]);
      const made = await topology().recovered("stuck");
      expect(made).toHaveLength(1);
      expect(made[0]?.requestAt).toBeGreaterThanOrEqual(began + MAX_AGE);
      await eventually(async () => {
        const told = (await eventsIn(simulator.kubeconfig)).filter(
          ({ reason, involvedObject }) => reason === "PlannedWorkStuck" && involvedObject.name === "stuck",
        );
        expect(told.map(({ type }) => type)).toEqual(["Warning"]);
        expect(told[0]?.message).toMatch(/mig\.config\.state=rebooting.*Ask the NVIDIA MIG manager/u);
      });
      expect(
        await topology().sum("worker", "civo_node_agent_planned_work_nodes", { mark: MIG, state: "stuck" }),
      ).toBeGreaterThan(0);
      expect(
        await topology().sum("worker", "civo_node_agent_notices_total", { reason: "PlannedWorkStuck" }),
      ).toBe(1);
      expect(topology().logs({ reason: "PlannedWorkStuck", node: "stuck" })).toHaveLength(1);
    },
    60_000 + 2 * (MAX_AGE + TIMES.wait.gpu),
  );
});

describe("a mark of another owner that holds for long", () => {
  afterAll(async () =>
    topology().simulator.command({ do: "mark", node: "quiet", removeTaints: ["medik8s.io/remediation"] }),
  );

  test("stays, and is told", async () => {
    const agent = topology().workers()[0];
    await agent?.kill9();
    if (agent === undefined) throw new Error("no worker");
    const next = topology().start("worker", { config: { foreignOwner: { staleAfter: "2s" } } });
    await topology().simulator.command({
      do: "mark",
      node: "quiet",
      taints: [{ key: "medik8s.io/remediation", effect: "NoSchedule" }],
    });
    await topology().simulator.break("quiet", "not-ready", { curedByReboot: false });
    await eventually(
      async () => {
        const told = (await eventsIn(topology().simulator.kubeconfig)).filter(
          ({ reason, involvedObject }) => reason === "ForeignHoldStale" && involvedObject.name === "quiet",
        );
        expect(told.map(({ type }) => type)).toEqual(["Warning"]);
      },
      { within: 60_000 },
    );
    await eventually(async () =>
      expect(
        await next.metric("civo_node_agent_foreign_hold_nodes", {
          mark: "medik8s.io/remediation",
          state: "stale",
        }),
      ).toBe(1),
    );
    expect(await topology().rebootCalls("quiet")).toEqual([]);
    expect(await topology().pendingReboot("quiet")).toMatchObject({ progress: { waitsFor: "ForeignOwner" } });
  });
});
