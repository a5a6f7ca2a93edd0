import { describe, expect, test } from "vitest";

import { createCheckers } from "@node-agent/shared/core/checkers/registry.ts";
import { evaluate } from "@node-agent/shared/core/evaluation.ts";
import { DEFAULT_POLICY } from "@node-agent/shared/core/policy.ts";
import { HOUR } from "@node-agent/shared/core/time.ts";
import { snapshotFingerprint, toSnapshot } from "@node-agent/shared/core/snapshot.ts";

import { describeFixtures } from "../../support/fixtures.ts";
import { listShape } from "./list-shape.ts";

/** NodeReady, GPU, DiskPressure, Cilium. A partial fixture without a Ready condition reads as a node that has none. */
const READY = "Pass KubeletReady";
const NO_READY = "Fail ReadyConditionMissing";
const SILENT = "Fail NodeStatusUnknown";
const NO_GPU = "Skip NonGPUNode";
const GPU_OK = "Pass GPUCountMatch";
const SLICES_OK = "Pass GPUSlicesAllocatable";
const DISK_OK = "Pass KubeletHasNoDiskPressure";
const DISK_FULL = "Fail KubeletHasDiskPressure";
const DISK_UNKNOWN = "Skip DiskPressureUnknown";
const NO_DISK = "Skip DiskPressureMissing";
const CILIUM_OK = "Pass CiliumIsUp";
const NO_CILIUM = "Skip NoCilium";

const HEALTHY = [READY, NO_GPU, DISK_OK, NO_CILIUM];
const NO_CONDITIONS = [NO_READY, NO_GPU, NO_DISK, NO_CILIUM];

const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  "calico-digitalocean-kubeadm-2018.partial.json": NO_CONDITIONS,
  "calico-microk8s-v132.json": HEALTHY,
  "calico-node-unknown-conditions.partial.json": ["Fail OtherUnknown", NO_GPU, DISK_UNKNOWN, NO_CILIUM],
  "cilium-digitalocean-worker-2.json": [READY, NO_GPU, DISK_OK, CILIUM_OK],
  "cilium-digitalocean-worker.json": [READY, NO_GPU, DISK_OK, CILIUM_OK],
  "control-plane-openshift-aws.json": HEALTHY,
  "diskpressure-and-notready-false.json": ["Fail KubeletNotReady", NO_GPU, DISK_FULL, NO_CILIUM],
  "diskpressure-calico-control-plane.partial.json": [NO_READY, NO_GPU, DISK_FULL, NO_CILIUM],
  "eks-arm64-worker.json": HEALTHY,
  "flannel-kurl-v129-t4.json": [READY, GPU_OK, DISK_OK, NO_CILIUM],
  "gke-routecreated-npd-managedfields.json": HEALTHY,
  "gpu-16-allocatable-zero.partial.json": [NO_READY, "Fail NoAllocatableGPU", NO_DISK, NO_CILIUM],
  "gpu-a100-mig-7g40gb.json": [READY, SLICES_OK, DISK_OK, NO_CILIUM],
  "gpu-a100-mig-mixed-3-instances.json": [READY, SLICES_OK, DISK_OK, NO_CILIUM],
  // Capacity still counts a 3g.20gb instance that was replaced a moment ago: allocatable 0, and unknown to GFD.
  "gpu-a100-mig-mixed-4-instances.json": [READY, SLICES_OK, DISK_OK, NO_CILIUM],
  "gpu-h100x8-gfd-labels.partial.json": [NO_READY, "Skip NoGPUResource", NO_DISK, NO_CILIUM],
  "gpu-h100x8-mig-and-timesliced-renamed.partial.json": [NO_READY, SLICES_OK, NO_DISK, NO_CILIUM],
  "gpu-h20x8-mig-mixed-one-gpu-split.partial.json": [NO_READY, SLICES_OK, NO_DISK, NO_CILIUM],
  "gpu-rtx4090x8-mps-partly-shared.partial.json": [NO_READY, SLICES_OK, NO_DISK, NO_CILIUM],
  "gpu-t4-x2-migstrategy-mixed-not-capable.json": [READY, GPU_OK, DISK_OK, NO_CILIUM],
  "gpu-timesliced-12.partial.json": [NO_READY, GPU_OK, NO_DISK, NO_CILIUM],
  "gpu-v100x8-gfd-labels.partial.json": [NO_READY, "Skip NoGPUResource", NO_DISK, NO_CILIUM],
  "k3s-hetzner-unreachable.partial.json": NO_CONDITIONS,
  "kubeadm-2026-node1.json": HEALTHY,
  "kubeadm-2026-node2.json": HEALTHY,
  "minikube-v115-control-plane.json": HEALTHY,
  "minikube-v117-control-plane.json": HEALTHY,
  "minikube-v131-control-plane.json": HEALTHY,
  "minikube-v135-control-plane.json": HEALTHY,
  "npd-gpufailed-misleading-message.partial.json": NO_CONDITIONS,
  "plain-single-node-v116.json": HEALTHY,
  "rancher-rke-unreachable.partial.json": NO_CONDITIONS,
  "stale-legacy-condition-unknown-but-ready.json": HEALTHY,
  "tke-notready-unknown.json": [SILENT, NO_GPU, DISK_UNKNOWN, NO_CILIUM],
  "virtual-kubelet-mock.partial.json": NO_CONDITIONS,
  "windows-acs-2018.partial.json": NO_CONDITIONS,
  "windows-eks-g4dn.partial.json": NO_CONDITIONS,
  "windows-nodeinfo-empty-bootid.partial.json": NO_CONDITIONS,
  "worker-openshift-aws.json": HEALTHY,
  "worker-openshift-baremetal.json": HEALTHY,
};

const checkers = createCheckers(DEFAULT_POLICY);
const at = Date.UTC(2026, 10, 1);

/** Excerpts lack uid and resourceVersion; nothing else is filled in. */
function completed(node: unknown): { metadata: object; status?: { conditions?: object[] } } {
  const raw = node as { metadata: object };
  return { ...raw, metadata: { uid: "fixture", resourceVersion: "1", ...raw.metadata } };
}

function judged(node: unknown): { verdict: string; results: string[]; gpuUnits: number } {
  const snapshot = toSnapshot(node);
  if (!snapshot.ok) throw new Error(snapshot.error);
  const history = { at, firstSeenAt: at - HOUR, everReady: true, gpuNode: false, gpuHighWater: 0 };
  const first = evaluate(snapshot.snapshot, checkers, history);
  // The second look, with what the first has taught, must judge the same.
  const learned = { ...history, gpuNode: first.gpuNode, gpuHighWater: first.gpuUnits };
  expect(evaluate(snapshot.snapshot, checkers, learned)).toEqual(first);
  const results = first.judgements.map(({ verdict, reason }) => `${verdict} ${reason}`);
  return { verdict: first.verdict, results, gpuUnits: first.gpuUnits };
}

describeFixtures("real nodes", (read) => {
  const fixtures = read.map(({ file, node }) => ({ file, node: completed(node) }));

  test("every fixture has its place in the table, and every row its fixture", () => {
    expect(fixtures.map(({ file }) => file).toSorted()).toEqual(Object.keys(EXPECTED).toSorted());
  });

  describe.each([
    ["watch", (node: unknown) => node],
    ["list", (node: unknown) => listShape(node)],
  ])("through the %s shape", (_shape, shaped) => {
    test.each(fixtures)("$file is judged right", ({ file, node }) => {
      const { verdict, results } = judged(shaped(node));
      expect(results).toEqual(EXPECTED[file]);
      expect(verdict).toBe(results.some((result) => result.startsWith("Fail")) ? "Fail" : "Pass");
    });
  });

  describe("the snapshot of a real node", () => {
    test.each(fixtures)("$file is the same through list and watch, and loses no condition", ({ node }) => {
      const watched = toSnapshot(node);
      expect(toSnapshot(listShape(node))).toEqual(watched);
      if (!watched.ok) throw new Error(watched.error);
      expect(watched.snapshot.conditions.length).toBe(node.status?.conditions?.length ?? 0);
      expect(Buffer.byteLength(JSON.stringify(watched.snapshot))).toBeLessThanOrEqual(4096);
    });

    test.each(fixtures)("$file keeps its fingerprint through a heartbeat", ({ node }) => {
      const beaten = {
        ...node,
        metadata: { ...node.metadata, resourceVersion: "999999999" },
        status: {
          ...node.status,
          conditions: node.status?.conditions?.map((condition) => ({
            ...condition,
            lastHeartbeatTime: "2026-10-31T23:59:59Z",
          })),
        },
      };
      const before = toSnapshot(node);
      const after = toSnapshot(beaten);
      if (!before.ok || !after.ok) throw new Error("refused");
      expect(snapshotFingerprint(after.snapshot)).toBe(snapshotFingerprint(before.snapshot));
    });
  });

  test("the conditions are judged by type and status, not by misleading words (NPD: False, GPUIsUp, 'fallen off the bus')", () => {
    const npd = fixtures.find(({ file }) => file.startsWith("npd-gpufailed"));
    expect(judged(npd?.node).results).toEqual(NO_CONDITIONS);
  });
});
