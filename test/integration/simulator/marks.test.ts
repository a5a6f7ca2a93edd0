import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { aNode } from "@node-agent/shared/testing/builders.ts";
import { eventually } from "../../support/eventually.ts";
import { readScenario } from "../../../packages/simulator/src/control/scenario.ts";
import { control, kube, quickSimulator } from "./http-client.ts";

const post = (body: unknown) => ({ method: "POST", body });
const node = async (simulator: Awaited<ReturnType<typeof quickSimulator>>, name: string): Promise<unknown> =>
  (await kube(simulator, `/api/v1/nodes/${name}`)).body;

test("labels, annotations, taints, a cordon and a deletion are put on a node and taken off again", async () => {
  await using simulator = await quickSimulator();
  const marks = {
    labels: { "nvidia.com/mig.config.state": "rebooting" },
    annotations: { "weave.works/kured-reboot-in-progress": "2026-11-30T12:00:00Z" },
    taints: [{ key: "karpenter.sh/disrupted", effect: "NoSchedule" }],
    unschedulable: true,
    deleting: true,
  };
  await control(simulator, "/nodes/gpu-1/mark", post(marks));
  expect(await node(simulator, "gpu-1")).toMatchObject({
    metadata: {
      labels: { ...marks.labels, "nvidia.com/gpu.count": "8" },
      annotations: marks.annotations,
      deletionTimestamp: expect.any(String) as string,
    },
    spec: { unschedulable: true, taints: expect.arrayContaining(marks.taints) as unknown },
  });
  const off = {
    labels: { "nvidia.com/mig.config.state": null },
    annotations: { "weave.works/kured-reboot-in-progress": null },
    removeTaints: ["karpenter.sh/disrupted"],
    unschedulable: false,
    deleting: false,
  };
  await control(simulator, "/nodes/gpu-1/mark", post(off));
  await eventually(async () => {
    const text = JSON.stringify(await node(simulator, "gpu-1"));
    expect(text).not.toMatch(/mig\.config\.state|kured|karpenter|unschedulable|deletionTimestamp/u);
  });
});

test("a machine that another controller reboots gets a new boot id, and no reboot of the cloud is counted", async () => {
  await using simulator = await quickSimulator();
  const before = simulator.world.machine("gpu-1").bootId;
  await control(simulator, "/nodes/gpu-1/bounce", post({}));
  expect(simulator.world.machine("gpu-1").power).toBe("off");
  await eventually(async () => {
    expect(simulator.world.truth().find(({ name }) => name === "gpu-1")).toMatchObject({ healthy: true });
  });
  expect(simulator.world.machine("gpu-1").bootId).not.toBe(before);
  expect(simulator.world.reboots).toEqual([]);
});

test("a node reads as a given object, with its own identity, also after a reboot; and as it is again", async () => {
  await using simulator = await quickSimulator();
  const object = aNode().unknown().taint("node.cilium.io/agent-not-ready").label("team", "a").raw();
  await control(simulator, "/nodes/std-1/show", post({ object, sick: true }));
  const machine = simulator.world.machine("std-1");
  expect(machine.guise?.sick).toBe(true);
  const worn = {
    metadata: { name: "std-1", labels: { team: "a", "kubernetes.io/hostname": "std-1" } },
    spec: {
      providerID: `civo://${machine.instance.id}`,
      taints: expect.arrayContaining([
        { key: "node.cilium.io/agent-not-ready", effect: "NoSchedule" },
      ]) as unknown,
    },
    status: {
      conditions: expect.arrayContaining([
        expect.objectContaining({ type: "Ready", status: "Unknown" }),
      ]) as unknown,
    },
  };
  expect(await node(simulator, "std-1")).toMatchObject(worn);
  expect(simulator.world.cloud.reboot(machine, "hard", 0).healthyAtExecution).toBe(false);
  await eventually(async () => {
    expect(machine.posting).toBe(true);
    expect(await node(simulator, "std-1")).toMatchObject({
      ...worn,
      spec: { providerID: worn.spec.providerID },
    });
  });
  await control(simulator, "/nodes/std-1/show", post({ object: null }));
  await eventually(() => expect(simulator.world.truth()[0]).toMatchObject({ ready: true, healthy: true }));
});

test("the scenario of planned work can be read, and walks through both kinds of work", () => {
  const file = fileURLToPath(new URL("../../../deploy/compose/demo/planned-work.yaml", import.meta.url));
  const steps = readScenario(file).map(({ command }) => command);
  expect(new Set(steps.map((step) => step.do))).toEqual(new Set(["mark", "bounce", "break", "heal"]));
  expect(JSON.stringify(steps)).toMatch(
    /rebooting.*success.*upgrade-required.*uncordon-required.*upgrade-done/u,
  );
});

test("a mark that is none is refused by name", async () => {
  await using simulator = await quickSimulator();
  const refused = await control(simulator, "/nodes/gpu-1/mark", post({ labels: { a: 1 } }));
  expect([refused.status, refused.body.errors[0]]).toEqual([400, expect.stringMatching(/^labels\.a: /u)]);
});
