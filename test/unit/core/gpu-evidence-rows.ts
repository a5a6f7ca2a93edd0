import type { RepairPolicy } from "@node-agent/shared/core/policy.ts";
import { aNode, type NodeBuilder } from "@node-agent/shared/testing/builders.ts";

/** The table of decision 20: what a GPU node shows, one look after the other, and the verdict on the last. */
export interface Row {
  readonly what: string;
  readonly looks: readonly NodeBuilder[];
  readonly verdict: string;
  readonly policy?: Partial<RepairPolicy>;
}

export const bare = aNode();
export const GPU = "nvidia.com/gpu";
export const DRA = { "nvidia.com/dra-kubelet-plugin": "true" };
const DEPLOY = {
  "nvidia.com/gpu.deploy.operator-validator": "true",
  "nvidia.com/gpu.deploy.container-toolkit": "true",
};
export const EIGHT: Partial<RepairPolicy> = { expectedGpus: { "pool-1": 8 } };
const timeSliced = (units: number): NodeBuilder => bare.resource(GPU, units);

export const ROWS: readonly Row[] = [
  // A GPU resource with 0 < allocatable < capacity, or allocatable 0 < capacity while no other GPU resource offers units.
  {
    what: "6 of 8 allocatable",
    looks: [bare.gpu(8), bare.gpu(8, { allocatable: 6 })],
    verdict: "Fail GPUCountMismatch",
  },
  {
    what: "6 of 8 allocatable, no label",
    looks: [bare.resource(GPU, 8, 6)],
    verdict: "Fail GPUCountMismatch",
  },
  {
    what: "0 of 8 allocatable, no label",
    looks: [bare.resource(GPU, 8, 0)],
    verdict: "Fail NoAllocatableGPU",
  },
  {
    what: "6 of 8 allocatable beside a DRA driver for ComputeDomains",
    looks: [bare.gpu(8, { allocatable: 6 }).labels(DRA)],
    verdict: "Fail GPUCountMismatch",
  },
  {
    what: "6 of 8 allocatable of a GPU class",
    looks: [bare.resource("nvidia.com/gpu-h100", 8, 6)],
    verdict: "Fail GPUCountMismatch",
  },
  {
    what: "0 of 8 allocatable beside network devices",
    looks: [
      bare.resource(GPU, 8).resource("nvidia.com/mlnxnics", 8),
      bare.resource(GPU, 8, 0).resource("nvidia.com/mlnxnics", 8),
    ],
    verdict: "Fail NoAllocatableGPU",
  },
  {
    what: "0 of 8 allocatable beside devices that were there before",
    looks: [
      bare.resource(GPU, 8).resource("nvidia.com/dpu0", 8),
      bare.resource(GPU, 8, 0).resource("nvidia.com/dpu0", 8),
    ],
    verdict: "Fail NoAllocatableGPU",
  },
  // A layout proven plain and fewer units than expected.
  {
    what: "7 after 8, labels say plain",
    looks: [bare.gpu(8), bare.gpu(7)],
    verdict: "Fail GPUCountMismatch",
  },
  { what: "7, GFD sees 8", looks: [bare.gpu(8).resource(GPU, 7)], verdict: "Fail GPUCountMismatch" },
  {
    what: "7 of 8 configured, no label",
    looks: [bare.resource(GPU, 7)],
    policy: EIGHT,
    verdict: "Fail GPUCountMismatch",
  },
  {
    what: "8 of 8 configured, no label",
    looks: [bare.resource(GPU, 8)],
    policy: EIGHT,
    verdict: "Pass GPUCountMatch",
  },
  {
    what: "7 of 8 that an operator accepted",
    looks: [bare.gpu(8), bare.gpu(7).annotation("node-agent.civo.com/accepted-gpus", "7")],
    verdict: "Pass GPUCountMatch",
  },
  {
    what: "6 after 7 were accepted",
    looks: [bare.gpu(6).annotation("node-agent.civo.com/accepted-gpus", "7")],
    verdict: "Fail GPUCountMismatch",
  },
  {
    what: "none, and an operator accepted none",
    looks: [bare.gpu(8), bare.gpu(8).resource(GPU, 0).annotation("node-agent.civo.com/accepted-gpus", "0")],
    verdict: "Pass GPUCountMatch",
  },
  // Labels count GPUs (or the configuration expects some) and no GPU resource has capacity.
  {
    what: "GFD sees 8, the kubelet 0 of 0",
    looks: [bare.gpu(8), bare.gpu(8).resource(GPU, 0)],
    verdict: "Fail NoAllocatableGPU",
  },
  { what: "8 configured, nothing there", looks: [bare], policy: EIGHT, verdict: "Fail NoAllocatableGPU" },
  {
    what: "GFD sees 8, and no plugin was ever there",
    looks: [bare.gpu(8).withoutResource(GPU)],
    verdict: "Skip NoGPUResource",
  },
  // Signs of DRA.
  {
    what: "moved to DRA, its label",
    looks: [bare.gpu(8), bare.gpu(8).resource(GPU, 0).labels(DRA)],
    verdict: "Skip AllocatedByDRA",
  },
  {
    what: "moved to DRA, the kubelet still counts 8",
    looks: [bare.gpu(8), bare.gpu(8, { allocatable: 0 }).labels(DRA)],
    verdict: "Skip AllocatedByDRA",
  },
  {
    what: "moved to DRA, the operator's label",
    looks: [bare.gpu(8), bare.gpu(8).resource(GPU, 0).label("nvidia.com/gpu.deploy.dra-driver", "true")],
    verdict: "Skip AllocatedByDRA",
  },
  {
    what: "moved to DRA, the operator deploys no device plugin",
    looks: [bare.gpu(8), bare.gpu(8).resource(GPU, 0).labels(DEPLOY)],
    verdict: "Skip AllocatedByDRA",
  },
  {
    what: "the plugin is deployed and gone",
    looks: [
      bare.gpu(8),
      bare
        .gpu(8)
        .resource(GPU, 0)
        .labels({ ...DEPLOY, "nvidia.com/gpu.deploy.device-plugin": "true" }),
    ],
    verdict: "Fail NoAllocatableGPU",
  },
  {
    what: "a DRA label that says false",
    looks: [bare.gpu(8), bare.gpu(8).resource(GPU, 0).label("nvidia.com/dra-kubelet-plugin", "false")],
    verdict: "Fail NoAllocatableGPU",
  },
  {
    what: "moved to DRA and back, with 4 of them left to the plugin",
    looks: [bare.gpu(8), bare.gpu(8).resource(GPU, 0).labels(DRA), bare.gpu(4)],
    verdict: "Pass GPUCountMatch",
  },
  {
    what: "DRA on a node whose pool expects 8",
    looks: [bare.gpu(8).resource(GPU, 0).labels(DRA)],
    policy: EIGHT,
    verdict: "Skip AllocatedByDRA",
  },
  // Units moved to another resource name, with as many units as before.
  {
    what: "renamed by GPU class, no label",
    looks: [bare.resource(GPU, 8), bare.resource("nvidia.com/gpu-h100", 8).resource(GPU, 0)],
    verdict: "Pass GPUCountMatch",
  },
  {
    what: "renamed by GPU class, labels",
    looks: [bare.gpu(8), bare.gpu(8, { allocatable: 0 }).resource("nvidia.com/gpu-h100", 8)],
    verdict: "Pass GPUCountMatch",
  },
  {
    what: "renamed to a product, no label",
    looks: [bare.resource(GPU, 8), bare.resource("nvidia.com/a100", 8).resource(GPU, 8, 0)],
    verdict: "Pass GPUUnitsMoved",
  },
  {
    what: "renamed to a product, labels",
    looks: [bare.gpu(8), bare.gpu(8).resource(GPU, 0).resource("nvidia.com/H100-80GB", 8)],
    verdict: "Pass GPUUnitsMoved",
  },
  {
    what: "half of them renamed",
    looks: [bare.resource(GPU, 8), bare.resource(GPU, 4).resource("nvidia.com/a100", 4)],
    verdict: "Pass GPUUnitsMoved",
  },
  {
    what: "renamed, with fewer units",
    looks: [bare.resource(GPU, 8), bare.resource("nvidia.com/a100", 4).resource(GPU, 0)],
    verdict: "Skip GPULayoutUnknown",
  },
  {
    what: "MIG of one GPU as one instance, no label",
    looks: [bare.resource(GPU, 1), bare.resource(GPU, 1, 0).resource("nvidia.com/mig-7g.40gb", 1)],
    verdict: "Pass GPUSlicesAllocatable",
  },
  {
    what: "shared under the other name, no label",
    looks: [bare.resource(GPU, 16), bare.resource(GPU, 16, 0).resource("nvidia.com/gpu.shared", 16)],
    verdict: "Pass GPUSlicesAllocatable",
  },
  // A count changed and no label tells the layout.
  {
    what: "time-slices 16 to 8, no label",
    looks: [timeSliced(16), timeSliced(8)],
    verdict: "Skip GPULayoutUnknown",
  },
  {
    what: "time-slices 4 to 1, no label",
    looks: [timeSliced(4), timeSliced(1)],
    verdict: "Skip GPULayoutUnknown",
  },
  {
    what: "time-slices 4 to 1 to 4, no label",
    looks: [timeSliced(4), timeSliced(1), timeSliced(4)],
    verdict: "Pass GPUCountMatch",
  },
  {
    what: "time-slices 8 to 16, no label",
    looks: [timeSliced(8), timeSliced(16)],
    verdict: "Pass GPUCountMatch",
  },
  {
    what: "no unit left, no label",
    looks: [timeSliced(8), bare.resource(GPU, 0)],
    verdict: "Skip GPULayoutUnknown",
  },
  { what: "the resource is gone, no label", looks: [timeSliced(8), bare], verdict: "Skip GPULayoutUnknown" },
  {
    what: "4 of 8 that an operator accepted, no label",
    looks: [timeSliced(8), timeSliced(4).annotation("node-agent.civo.com/accepted-gpus", "4")],
    verdict: "Pass GPUCountMatch",
  },
  {
    what: "MIG instances that a reboot lost, GFD",
    looks: [
      bare.gpu(8).resource(GPU, 0).resource("nvidia.com/mig-1g.5gb", 56).labels({
        "nvidia.com/mig.strategy": "mixed",
        "nvidia.com/gpu.replicas": "0",
        "nvidia.com/mig-1g.5gb.count": "56",
      }),
      bare
        .gpu(8)
        .resource(GPU, 0)
        .labels({ "nvidia.com/mig.strategy": "mixed", "nvidia.com/gpu.replicas": "0" }),
    ],
    verdict: "Skip NoMIGInstance",
  },
  {
    what: "MIG instances that a reboot lost, no label",
    looks: [bare.resource("nvidia.com/mig-1g.5gb", 7), bare.resource("nvidia.com/mig-1g.5gb", 0)],
    verdict: "Skip GPULayoutUnknown",
  },
  {
    what: "a third MIG instance is lost, and GFD still sees it",
    looks: [
      bare
        .resource("nvidia.com/mig-1g.5gb", 7)
        .resource("nvidia.com/mig-3g.20gb", 1, 0)
        .labels({ "nvidia.com/mig-1g.5gb.count": "7", "nvidia.com/mig-3g.20gb.count": "1" }),
    ],
    verdict: "Fail GPUCountMismatch",
  },
];
