import { describe, expect, test } from "vitest";
import { createEvidenceReader } from "@node-agent/kubernetes";
import { startSimulator } from "../../../packages/simulator/src/simulator.ts";
import { testFolder } from "./support/kubeconfig-file.ts";
import { openConnection } from "./support/open-connection.ts";

const { signal } = new AbortController();

/** A reader over a simulated cluster with two GPU nodes. */
async function simulated() {
  const simulator = await startSimulator({ pools: [{ name: "gpu", count: 2, gpus: 8 }], timeScale: 600 });
  const folder = await testFolder();
  const connection = openConnection({ kubeconfig: await folder.write("config", simulator.kubeconfig()) });
  const [node = ""] = simulator.world.names();
  return {
    simulator,
    node,
    connection,
    read: async () => createEvidenceReader({ connection }).read(node, signal),
    [Symbol.asyncDispose]: async () => {
      await connection.close();
      await simulator.close();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Every request to these paths gets this answer. */
function refuse(path: string, status: number) {
  return { api: "kubernetes", match: { path }, effect: "status", status } as const;
}

describe("the evidence about a node", () => {
  test("is the pods of its agents, and of no other node", async () => {
    await using setup = await simulated();
    const { pods, gpuDrivers } = await setup.read();
    expect(gpuDrivers).toEqual({ state: "Read", value: [] });
    expect(pods).toMatchObject({
      state: "Read",
      value: [
        { agent: "Cilium", name: `kube-system/cilium-${setup.node}`, ready: true, crashing: false },
        { agent: "DevicePlugin", name: `kube-system/nvidia-device-plugin-ds-${setup.node}`, ready: true },
      ],
    });
  });

  test("tells a pod that crashes and one that is gone", async () => {
    await using setup = await simulated();
    const { world } = setup.simulator;
    world.break(setup.node, { fault: "device-plugin-dead" });
    world.break(setup.node, { fault: "cilium-taint" });
    const crashing = { ready: false, crashing: true };
    expect((await setup.read()).pods).toMatchObject({ value: [crashing, crashing] });
    world.allocateGpus(setup.node, "none", false);
    expect((await setup.read()).pods).toMatchObject({ value: [{ agent: "Cilium" }] });
  });

  test("leaves out a pod that is being deleted, and knows the charts and manifests", async () => {
    await using setup = await simulated();
    const { connection, node } = setup;
    const add = async (name: string, labels: Record<string, string>, waiting?: string): Promise<void> => {
      const state = waiting === undefined ? { running: {} } : { waiting: { reason: waiting } };
      const body = JSON.stringify({
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name, labels },
        spec: { nodeName: node },
        status: { containerStatuses: [{ state }] },
      });
      await connection.request("/api/v1/namespaces/default/pods", { method: "POST", body });
    };
    await add("helm", { "app.kubernetes.io/name": "nvidia-device-plugin" }, "ImagePullBackOff");
    await add("operator", { app: "nvidia-device-plugin-daemonset" }, "RunContainerError");
    await add("gke", { "k8s-app": "nvidia-gpu-device-plugin" });
    await add("other", { app: "nginx" }, "CrashLoopBackOff");
    const { pods } = await setup.read();
    const found = pods.state === "Read" ? pods.value : [];
    expect(found.filter(({ name }) => name.startsWith("default/"))).toMatchObject([
      { name: "default/gke", agent: "DevicePlugin", crashing: false },
      { name: "default/helm", agent: "DevicePlugin", imageMissing: true },
      { name: "default/operator", agent: "DevicePlugin", crashing: true },
    ]);
  });

  test("names the GPU driver of its ResourceSlices", async () => {
    await using setup = await simulated();
    setup.simulator.world.allocateGpus(setup.node, "dra", false);
    expect((await setup.read()).gpuDrivers).toEqual({ state: "Read", value: ["gpu.nvidia.com"] });
  });

  test("that may not be read is not permitted, and that of an old cluster is not served", async () => {
    await using setup = await simulated();
    setup.simulator.faults.add(refuse("/api/v1/pods", 403));
    setup.simulator.faults.add(refuse("/apis/resource.k8s.io", 404));
    const { pods, gpuDrivers } = await setup.read();
    expect(pods).toEqual({ state: "NotPermitted", why: "this process may not list pods (RBAC)" });
    expect(gpuDrivers).toEqual({ state: "NotPermitted", why: "the cluster serves no ResourceSlices" });
  });

  test("that fails is unread, and never throws", async () => {
    await using setup = await simulated();
    setup.simulator.faults.add(refuse("/api", 503));
    const { pods, gpuDrivers } = await setup.read();
    expect([pods.state, gpuDrivers.state]).toEqual(["Unread", "Unread"]);
  });
});
