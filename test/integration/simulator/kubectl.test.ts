import { execFile, spawn, spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eventually } from "../../support/eventually.ts";
import { parsed } from "./http-client.ts";
import { startSimulator, type Simulator } from "../../../packages/simulator/src/simulator.ts";

const run = promisify(execFile);
/** `npm test` fetches one from Debian where there is none. */
const hasKubectl = spawnSync("kubectl", ["version", "--client"]).status === 0;
/** Debian 12 has kubectl 1.20; the flag came with 1.24. What it sends is tested over HTTP in kubernetes-api.test.ts. */
const knowsSubresources =
  spawnSync("kubectl", ["patch", "--help"]).stdout?.includes("--subresource") ?? false;

let simulator: Simulator;
let home: string;
let env: NodeJS.ProcessEnv;

async function kubectl(...args: string[]): Promise<string> {
  const { stdout } = await run("kubectl", args, { env });
  return stdout;
}

describe.skipIf(!hasKubectl)("kubectl against the simulator (skipped when no kubectl is on PATH)", () => {
  beforeAll(async () => {
    simulator = await startSimulator({
      timeScale: 600,
      pools: [
        { name: "standard", count: 2, nodeNames: ["std-1", "std-2"] },
        { name: "gpu", count: 1, gpus: 8, nodeNames: ["gpu-1"] },
      ],
    });
    home = await mkdtemp(join(tmpdir(), "simulator-kubectl-"));
    const kubeconfig = join(home, "kubeconfig");
    await writeFile(kubeconfig, simulator.kubeconfig(), { mode: 0o600 });
    env = { PATH: process.env["PATH"], HOME: home, KUBECONFIG: kubeconfig };
  });

  afterAll(async () => {
    await simulator.close();
    await rm(home, { recursive: true, force: true });
  });

  test("get nodes shows status, roles, age and version", async () => {
    const [head, ...rows] = (await kubectl("get", "nodes")).trimEnd().split("\n");
    expect(head?.split(/\s+/)).toEqual(["NAME", "STATUS", "ROLES", "AGE", "VERSION"]);
    expect(rows.map((row) => row.split(/\s+/))).toEqual([
      ["gpu-1", "Ready", "<none>", "30d", "v1.32.4+k3s1"],
      ["std-1", "Ready", "<none>", "30d", "v1.32.4+k3s1"],
      ["std-2", "Ready", "<none>", "30d", "v1.32.4+k3s1"],
    ]);
  });

  test("get nodes -o wide adds addresses, kernel and runtime; a selector selects", async () => {
    const wide = await kubectl("get", "nodes", "-o", "wide", "-l", "nvidia.com/gpu.count=8");
    expect(wide).toMatch(/INTERNAL-IP\s+EXTERNAL-IP\s+OS-IMAGE\s+KERNEL-VERSION\s+CONTAINER-RUNTIME/);
    expect(wide).toMatch(/gpu-1.*Ubuntu 24\.04\.2 LTS.*containerd:/);
    expect(wide).not.toMatch(/std-1/);
  });

  test("get --sort-by sorts by a field that no column shows", async () => {
    const names = async (...args: string[]): Promise<string[]> =>
      (await kubectl("get", "nodes", "--no-headers", "-o", "custom-columns=:metadata.name", ...args)).split(
        "\n",
      );
    const sorted = await kubectl("get", "nodes", "--no-headers", "--sort-by=.spec.providerID");
    expect(sorted.split("\n").map((row) => row.split(/\s+/)[0])).toEqual(
      await names("--sort-by=.spec.providerID"),
    );
  });

  test("get nodes -w follows a node into NotReady and back", async () => {
    const child = spawn("kubectl", ["get", "nodes", "-w", "--no-headers"], { env });
    let seen = "";
    child.stdout.on("data", (chunk: Buffer) => (seen += chunk.toString("utf8")));
    try {
      await eventually(() => expect(seen).toMatch(/std-2\s+Ready/));
      simulator.world.break("std-2", { fault: "kubelet-dead" });
      await eventually(() => expect(seen).toMatch(/std-2\s+NotReady/));
      simulator.world.heal("std-2");
      await eventually(() => expect(seen).toMatch(/std-2\s+NotReady[^]*std-2\s+Ready/));
    } finally {
      child.kill();
    }
  });

  test("describe node shows conditions, capacity, lease and events", async () => {
    simulator.world.break("gpu-1", { fault: "disk-pressure" });
    const described = await eventually(async () => {
      const text = await kubectl("describe", "node", "gpu-1");
      expect(text).toMatch(/NodeHasDiskPressure/);
      return text;
    });
    simulator.world.heal("gpu-1");
    expect(described).toMatch(/DiskPressure\s+True/);
    expect(described).toMatch(/nvidia\.com\/gpu:\s+8/);
    expect(described).toMatch(/HolderIdentity:\s+gpu-1/);
    expect(described).toMatch(/ProviderID:\s+civo:\/\//);
    expect(described).toMatch(/Non-terminated Pods:\s+\(2 in total\)/);
  });

  test("label, annotate and taint change the node and can be undone", async () => {
    await kubectl("label", "node", "std-1", "team=blue");
    await kubectl("annotate", "node", "std-1", "note=here");
    await kubectl("taint", "node", "std-1", "dedicated=blue:NoSchedule");
    const node = parsed(await kubectl("get", "node", "std-1", "-o", "json"));
    expect(node.metadata.labels.team).toBe("blue");
    expect(node.metadata.annotations.note).toBe("here");
    expect(node.spec.taints).toMatchObject([{ key: "dedicated", value: "blue", effect: "NoSchedule" }]);
    await kubectl("label", "node", "std-1", "team-");
    await kubectl("annotate", "node", "std-1", "note-");
    await kubectl("taint", "node", "std-1", "dedicated-");
    const after = parsed(await kubectl("get", "node", "std-1", "-o", "json"));
    expect([after.metadata.labels.team, after.metadata.annotations.note, after.spec.taints]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
  });

  test("cordon shows SchedulingDisabled and its taint, uncordon takes both away", async () => {
    await kubectl("cordon", "std-1");
    expect(await kubectl("get", "node", "std-1")).toMatch(/Ready,SchedulingDisabled/);
    await eventually(async () =>
      expect(await kubectl("get", "node", "std-1", "-o", "jsonpath={.spec.taints[*].key}")).toBe(
        "node.kubernetes.io/unschedulable",
      ),
    );
    await kubectl("uncordon", "std-1");
    await eventually(async () =>
      expect(await kubectl("get", "node", "std-1", "-o", "jsonpath={.spec}")).not.toMatch(/unschedulable/),
    );
  });

  test.skipIf(!knowsSubresources)(
    "patch --subresource=status merges a condition by its type (skipped before kubectl 1.24)",
    async () => {
      const patch = { status: { conditions: [{ type: "Ours", status: "True", reason: "Because" }] } };
      await kubectl("patch", "node", "std-1", "--subresource=status", "-p", JSON.stringify(patch));
      const types = await kubectl("get", "node", "std-1", "-o", "jsonpath={.status.conditions[*].type}");
      expect(types.split(" ").toSorted()).toEqual([
        "DiskPressure",
        "MemoryPressure",
        "NetworkUnavailable",
        "Ours",
        "PIDPressure",
        "Ready",
      ]);
    },
  );

  test("configmaps can be created (from a file), read, patched and deleted; events listed", async () => {
    const manifest = join(home, "ledger.json");
    const ledger = { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "ledger" }, data: { a: "1" } };
    await writeFile(manifest, JSON.stringify(ledger));
    await kubectl("create", "--validate=false", "-f", manifest);
    expect(await kubectl("get", "configmap", "ledger", "-o", "jsonpath={.data.a}")).toBe("1");
    await kubectl(
      "patch",
      "configmap",
      "ledger",
      "--type=json",
      "-p",
      '[{"op":"replace","path":"/data/a","value":"2"}]',
    );
    expect(await kubectl("get", "configmap", "ledger", "-o", "jsonpath={.data.a}")).toBe("2");
    await kubectl("delete", "configmap", "ledger");
    await expect(kubectl("get", "configmap", "ledger")).rejects.toThrow(/NotFound/);
    expect(await kubectl("get", "events")).toMatch(/LAST SEEN/);
  });

  test("delete node deletes it; its living kubelet registers it again", async () => {
    const uid = await kubectl("get", "node", "std-1", "-o", "jsonpath={.metadata.uid}");
    await kubectl("delete", "node", "std-1", "--wait=false");
    await eventually(async () => {
      const next = await kubectl("get", "node", "std-1", "-o", "jsonpath={.metadata.uid}");
      expect(next).not.toBe(uid);
    });
  });

  test("a wrong token is refused", async () => {
    await expect(kubectl("--token=wrong", "get", "nodes")).rejects.toThrow(/Unauthorized|logged in/);
  });
});
