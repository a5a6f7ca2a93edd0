import { expect, test } from "vitest";
import { MINUTE, SECOND } from "@node-agent/shared/core/time.ts";
import { InstanceBusyError } from "../../../packages/simulator/src/world/cloud.ts";
import { conditionOf, type NodeObject } from "../../../packages/simulator/src/world/node-object.ts";
import { manualWorld } from "./manual-world.ts";

const statusOf = (node: NodeObject, type: string) => conditionOf(node, type)?.status;
const taintsOf = (node: NodeObject) => (node.spec.taints ?? []).map(({ key, effect }) => `${key}:${effect}`);
const bootIdOf = (node: NodeObject) => (node.status["nodeInfo"] as { bootID: string }).bootID;
const gpusOf = (node: NodeObject) => [
  node.status.capacity["nvidia.com/gpu"],
  node.status.allocatable["nvidia.com/gpu"],
];

/** The node without what a heartbeat may change. */
const still = (node: NodeObject) => ({
  ...node,
  metadata: { ...node.metadata, resourceVersion: "" },
  status: {
    ...node.status,
    conditions: node.status.conditions.map((condition) => ({ ...condition, lastHeartbeatTime: "" })),
  },
});

test("a heartbeat changes lastHeartbeatTime and resourceVersion and nothing else", async () => {
  await using sim = manualWorld();
  const before = sim.node("std-1");
  await sim.pass(6 * MINUTE);
  const after = sim.node("std-1");
  expect(after.metadata.resourceVersion).not.toBe(before.metadata.resourceVersion);
  expect(still(after)).toEqual(still(before));
  expect(conditionOf(after, "Ready")?.lastHeartbeatTime).not.toBe(
    conditionOf(before, "Ready")?.lastHeartbeatTime,
  );
});

test("an idle node is written once per status period", async () => {
  await using sim = manualWorld([{ name: "standard", count: 10 }]);
  let writes = 0;
  sim.nodes.subscribe(() => (writes += 1));
  await sim.pass(10 * MINUTE);
  await sim.pass(5 * MINUTE);
  expect(writes).toBe(30);
});

test("a kubelet that fell silent and came back several times posts no more often than before", async () => {
  await using sim = manualWorld([{ name: "standard", count: 1, nodeNames: ["std-1"] }]);
  for (let round = 0; round < 5; round += 1) {
    sim.world.break("std-1", { fault: "kubelet-dead" });
    await sim.pass(SECOND);
    sim.world.heal("std-1");
  }
  await sim.pass(10 * MINUTE);
  let writes = 0;
  sim.nodes.subscribe(() => (writes += 1));
  await sim.pass(10 * MINUTE);
  expect(writes).toBe(2);
});

test("a silent kubelet's node turns Unknown after the grace, in all four conditions, and is tainted 5 s apart", async () => {
  await using sim = manualWorld();
  sim.world.break("std-1", { fault: "kubelet-dead" });
  await sim.pass(49 * SECOND);
  expect(statusOf(sim.node("std-1"), "Ready")).toBe("True");
  await sim.pass(2 * SECOND);
  const node = sim.node("std-1");
  for (const type of ["Ready", "MemoryPressure", "DiskPressure", "PIDPressure"]) {
    expect(conditionOf(node, type)).toMatchObject({ status: "Unknown", reason: "NodeStatusUnknown" });
  }
  expect(statusOf(node, "NetworkUnavailable")).toBe("False");
  expect(taintsOf(node)).toEqual(["node.kubernetes.io/unreachable:NoSchedule"]);
  await sim.pass(6 * SECOND);
  expect(taintsOf(sim.node("std-1"))).toEqual([
    "node.kubernetes.io/unreachable:NoSchedule",
    "node.kubernetes.io/unreachable:NoExecute",
  ]);
  expect(statusOf(sim.node("std-2"), "Ready")).toBe("True");
});

test("a dead node says nothing more after its taints", async () => {
  await using sim = manualWorld([{ name: "standard", count: 1, nodeNames: ["std-1"] }]);
  sim.world.break("std-1", { fault: "kubelet-dead" });
  await sim.pass(MINUTE);
  let writes = 0;
  sim.nodes.subscribe(() => (writes += 1));
  await sim.pass(20 * MINUTE);
  expect(writes).toBe(0);
});

test("a kubelet that comes back before the grace never shows", async () => {
  await using sim = manualWorld();
  sim.world.break("std-1", { fault: "kubelet-dead" });
  await sim.pass(40 * SECOND);
  sim.world.heal("std-1");
  await sim.pass(2 * MINUTE);
  expect(statusOf(sim.node("std-1"), "Ready")).toBe("True");
  expect(conditionOf(sim.node("std-1"), "Ready")?.lastTransitionTime).toBe("2026-11-01T00:00:00Z");
});

test("a reboot brings a new bootID, the shutdown taint meanwhile, and Ready through False", async () => {
  await using sim = manualWorld();
  sim.world.break("std-1", { fault: "kubelet-dead" });
  await sim.pass(2 * MINUTE);
  const machine = sim.world.machine("std-1");
  const bootId = bootIdOf(sim.node("std-1"));
  sim.world.cloud.reboot(machine, "hard", sim.clock.now());
  expect(machine.instance.status).toBe("REBOOTING");
  await sim.pass(10 * SECOND);
  expect(taintsOf(sim.node("std-1"))).toContain("node.cloudprovider.kubernetes.io/shutdown:NoSchedule");
  await sim.pass(51 * SECOND);
  expect(machine.instance.status).toBe("ACTIVE");
  expect(bootIdOf(sim.node("std-1"))).not.toBe(bootId);
  expect(statusOf(sim.node("std-1"), "Ready")).toBe("False");
  await sim.pass(11 * SECOND);
  expect(statusOf(sim.node("std-1"), "Ready")).toBe("True");
  expect(taintsOf(sim.node("std-1"))).toEqual([]);
  expect(sim.world.truth().find(({ name }) => name === "std-1")).toMatchObject({ healthy: true, faults: [] });
});

test("every executed reboot is in the log, with what the machine was like", async () => {
  await using sim = manualWorld();
  sim.world.break("std-1", { fault: "not-ready" });
  const arrived = sim.clock.now();
  await sim.pass(3 * SECOND);
  sim.world.cloud.reboot(sim.world.machine("std-1"), "hard", arrived);
  sim.world.cloud.reboot(sim.world.machine("std-2"), "soft", sim.clock.now());
  expect(sim.world.reboots).toMatchObject([
    { node: "std-1", kind: "hard", healthyAtExecution: false, at: arrived + 3 * SECOND, requestAt: arrived },
    { node: "std-2", kind: "soft", healthyAtExecution: true },
  ]);
});

test("an instance that reboots refuses another reboot, which does not count", async () => {
  await using sim = manualWorld();
  const machine = sim.world.machine("std-1");
  sim.world.cloud.reboot(machine, "hard", sim.clock.now());
  expect(() => sim.world.cloud.reboot(machine, "hard", sim.clock.now())).toThrow(InstanceBusyError);
  expect(sim.world.reboots).toHaveLength(1);
});

test.each([
  { curedByReboot: true, reboots: 1, healthy: true },
  { curedByReboot: false, reboots: 3, healthy: false },
  { curedByReboot: 2, reboots: 1, healthy: false },
  { curedByReboot: 2, reboots: 2, healthy: true },
])(
  "curedByReboot $curedByReboot after $reboots reboots leaves healthy=$healthy",
  async ({ curedByReboot, reboots, healthy }) => {
    await using sim = manualWorld();
    sim.world.break("std-1", { fault: "not-ready", curedByReboot });
    for (let done = 0; done < reboots; done += 1) {
      sim.world.cloud.reboot(sim.world.machine("std-1"), "hard", sim.clock.now());
      await sim.pass(2 * MINUTE);
    }
    expect(statusOf(sim.node("std-1"), "Ready")).toBe(healthy ? "True" : "False");
  },
);

test("a dead kubelet that no reboot cures stays silent: its bootID in the API stays the old one", async () => {
  await using sim = manualWorld();
  sim.world.break("std-1", { fault: "kubelet-dead", curedByReboot: false });
  await sim.pass(MINUTE);
  const bootId = bootIdOf(sim.node("std-1"));
  sim.world.cloud.reboot(sim.world.machine("std-1"), "hard", sim.clock.now());
  await sim.pass(3 * MINUTE);
  expect(statusOf(sim.node("std-1"), "Ready")).toBe("Unknown");
  expect(bootIdOf(sim.node("std-1"))).toBe(bootId);
});

test("GPUs read 0/0 after a boot until the device plugin registers", async () => {
  await using sim = manualWorld();
  expect(gpusOf(sim.node("gpu-1"))).toEqual(["8", "8"]);
  sim.world.cloud.reboot(sim.world.machine("gpu-1"), "hard", sim.clock.now());
  await sim.pass(75 * SECOND);
  expect(statusOf(sim.node("gpu-1"), "Ready")).toBe("True");
  expect(gpusOf(sim.node("gpu-1"))).toEqual(["0", "0"]);
  await sim.pass(20 * SECOND);
  expect(gpusOf(sim.node("gpu-1"))).toEqual(["8", "8"]);
});

test("lost GPUs leave allocatable and stay in capacity; a dead device plugin leaves capacity after its grace", async () => {
  await using sim = manualWorld();
  sim.world.break("gpu-1", { fault: "lose-gpus", gpus: 3 });
  expect(gpusOf(sim.node("gpu-1"))).toEqual(["8", "5"]);
  sim.world.heal("gpu-1");
  expect(gpusOf(sim.node("gpu-1"))).toEqual(["8", "8"]);
  sim.world.break("gpu-1", { fault: "device-plugin-dead" });
  expect(gpusOf(sim.node("gpu-1"))).toEqual(["8", "0"]);
  await sim.pass(5 * MINUTE + SECOND);
  expect(gpusOf(sim.node("gpu-1"))).toEqual(["0", "0"]);
});

test("a GPU fault on a node without GPUs is refused by name", async () => {
  await using sim = manualWorld();
  expect(() => sim.world.break("std-1", { fault: "lose-gpus" })).toThrow(
    /std-1 is in pool "standard" without GPUs/,
  );
});

test("disk pressure is a condition and a taint, and both go when it is over", async () => {
  await using sim = manualWorld();
  sim.world.break("std-1", { fault: "disk-pressure" });
  await sim.pass(SECOND);
  expect(statusOf(sim.node("std-1"), "DiskPressure")).toBe("True");
  expect(statusOf(sim.node("std-1"), "Ready")).toBe("True");
  expect(taintsOf(sim.node("std-1"))).toEqual(["node.kubernetes.io/disk-pressure:NoSchedule"]);
  sim.world.heal("std-1", "disk-pressure");
  await sim.pass(SECOND);
  expect(taintsOf(sim.node("std-1"))).toEqual([]);
});

test("the Cilium taint stands on a Ready node until it is healed or a reboot cures it", async () => {
  await using sim = manualWorld();
  sim.world.break("std-1", { fault: "cilium-taint" });
  expect(taintsOf(sim.node("std-1"))).toEqual(["node.cilium.io/agent-not-ready:NoExecute"]);
  sim.world.cloud.reboot(sim.world.machine("std-1"), "hard", sim.clock.now());
  await sim.pass(2 * MINUTE);
  expect(taintsOf(sim.node("std-1"))).toEqual([]);
});

test("taints of others survive every change of ours", async () => {
  await using sim = manualWorld([
    {
      name: "gpu",
      count: 1,
      gpus: 8,
      nodeNames: ["gpu-1"],
      taints: [{ key: "nvidia.com/gpu", effect: "NoSchedule" }],
    },
  ]);
  sim.world.break("gpu-1", { fault: "not-ready" });
  await sim.pass(MINUTE);
  expect(taintsOf(sim.node("gpu-1"))).toHaveLength(3);
  sim.world.heal("gpu-1");
  await sim.pass(MINUTE);
  expect(taintsOf(sim.node("gpu-1"))).toEqual(["nvidia.com/gpu:NoSchedule"]);
});

test("an instance that is gone leaves its Node object behind, Unknown for good", async () => {
  await using sim = manualWorld();
  const { id } = sim.world.machine("std-1").instance;
  sim.world.forgetInstance("std-1");
  await sim.pass(2 * MINUTE);
  expect(sim.world.cloud.find(id)).toBeUndefined();
  expect(statusOf(sim.node("std-1"), "Ready")).toBe("Unknown");
  expect(sim.node("std-1").spec.providerID).toBe(`civo://${id}`);
});

test("a replaced node has the same name, another uid, another instance, and is Ready", async () => {
  await using sim = manualWorld();
  const before = sim.node("std-1");
  sim.world.replaceNode("std-1");
  const after = sim.node("std-1");
  expect(after.metadata.uid).not.toBe(before.metadata.uid);
  expect(after.spec.providerID).not.toBe(before.spec.providerID);
  expect(statusOf(after, "Ready")).toBe("True");
  await sim.pass(2 * MINUTE);
  expect(statusOf(sim.node("std-1"), "Ready")).toBe("True");
});

test("a Node object deleted alone stays away, or is registered again under a new uid if asked", async () => {
  await using sim = manualWorld();
  const { uid } = sim.node("std-2").metadata;
  sim.world.deleteNode("std-1", { instance: false });
  sim.world.deleteNode("std-2", { instance: false, reregister: true });
  await sim.pass(6 * MINUTE);
  expect(sim.nodes.get("std-1")).toBeUndefined();
  expect(sim.node("std-2").metadata.uid).not.toBe(uid);
});

test("a deleted node takes its instance and its place in the pool along", async () => {
  await using sim = manualWorld();
  sim.world.deleteNode("std-1");
  expect(sim.world.names()).toEqual(["std-2", "gpu-1"]);
  expect(sim.world.pool("standard")?.count).toBe(1);
  await sim.pass(6 * MINUTE);
  expect(sim.nodes.get("std-1")).toBeUndefined();
});

test("a recycled node is another machine under another name, built and booted; the count stays", async () => {
  await using sim = manualWorld();
  const fresh = sim.world.recycle(sim.world.machine("std-1"));
  expect(fresh.instance.status).toBe("BUILDING");
  await sim.pass(3 * MINUTE);
  expect(fresh.instance.status).toBe("ACTIVE");
  expect(statusOf(sim.node(fresh.name), "Ready")).toBe("True");
  expect(sim.world.pool("standard")?.count).toBe(2);
});

test("the same seed gives the same names, ids and uids", async () => {
  await using one = manualWorld([{ name: "standard", count: 5 }]);
  await using other = manualWorld([{ name: "standard", count: 5 }]);
  const known = (sim: typeof one) =>
    sim.world
      .truth()
      .map(({ name, instanceId, bootId, uid, poolId }) => ({ name, instanceId, bootId, uid, poolId }));
  expect(known(one)).toEqual(known(other));
});

test("a cordon through the API is followed by the unschedulable taint", async () => {
  await using sim = manualWorld();
  const node = sim.node("std-1");
  sim.nodes.put("std-1", { ...node, spec: { ...node.spec, unschedulable: true } });
  await sim.pass(SECOND);
  expect(taintsOf(sim.node("std-1"))).toEqual(["node.kubernetes.io/unschedulable:NoSchedule"]);
});
